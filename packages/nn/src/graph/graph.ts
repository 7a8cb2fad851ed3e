/** Element types of graph values, with TensorFlow's DataType numbers (tensorflow/core/framework/types.proto). */
export const DATA_TYPES = {
  float32: 1,
  int32: 3,
  uint8: 4,
  bool: 10,
  bfloat16: 14,
  float16: 19,
  resource: 20,
} as const;
export type DType = keyof typeof DATA_TYPES;

/** A static shape. A dimension that is known only when the graph runs (the batch) is null. */
export type Shape = readonly (number | null)[];

/** An attribute of a TensorFlow node, named by the field of AttrValue that it fills. */
export type Attr =
  | { type: DType }
  | { int: number }
  | { ints: readonly number[] }
  | { float: number }
  | { bool: boolean }
  | { string: string }
  | { shape: Shape }
  | { tensor: ConstantData };

export interface ConstantData {
  dtype: DType;
  shape: readonly number[];
  data: Float32Array | Int32Array | Uint8Array;
}

/**
 * Computes the gradients of a node's inputs, in order (undefined for inputs without a gradient, such as indices), from
 * the gradients of its outputs (undefined if nothing flows back).
 */
export type Gradient = (
  outputGradients: readonly (Value | undefined)[],
  outputs: readonly Value[],
) => (Value | undefined)[];

export interface NodeOptions {
  inputs?: readonly Value[];
  attrs?: Record<string, Attr>;
  /** Type and shape of each output. A node that only has an effect has no outputs. */
  outputs?: readonly { dtype: DType; shape: Shape }[];
  /** If absent, it is an error for a gradient to reach this node. */
  gradient?: Gradient;
  /** Nodes that must have run before this one. */
  after?: readonly GraphNode[];
  /** A suffix makes the name unique within the graph if necessary; default: the name of the op. */
  name?: string;
}

/** One operation of the graph. */
export class GraphNode {
  readonly name: string;
  readonly inputs: readonly Value[];
  readonly attrs: Readonly<Record<string, Attr>>;
  readonly after: readonly GraphNode[];
  readonly gradient: Gradient | undefined;
  readonly outputs: readonly Value[];

  /**
   * @param id position in the order of creation, which is a topological order
   * @param options its name must be unique within the graph
   */
  constructor(
    readonly graph: Graph,
    readonly id: number,
    readonly op: string,
    { name, inputs = [], attrs = {}, after = [], gradient, outputs = [] }: NodeOptions & { name: string },
  ) {
    this.name = name;
    this.inputs = inputs;
    this.attrs = attrs;
    this.after = after;
    this.gradient = gradient;
    this.outputs = outputs.map(({ dtype, shape }, index) => new Value(this, index, dtype, shape));
  }
}

/** One output of a node: a tensor that exists while the graph runs. */
export class Value {
  constructor(
    readonly node: GraphNode,
    readonly index: number,
    readonly dtype: DType,
    readonly shape: Shape,
  ) {}

  get graph(): Graph {
    return this.node.graph;
  }

  /** TensorFlow's name: `node:index`. */
  get reference(): string {
    return `${this.node.name}:${this.index}`;
  }
}

/** A tensor that the session keeps between runs. */
export interface Variable {
  name: string;
  dtype: DType;
  shape: Shape;
  handle: Value;
}

/** A TensorFlow graph under construction: nodes, named uniquely, in topological order. */
export class Graph {
  readonly nodes: GraphNode[] = [];
  readonly #taken = new Map<string, number>();
  readonly #constants = new Map<string, Value>();
  readonly #variables = new Map<string, Variable>();
  readonly #reads = new Map<string, Value>();
  #scope = '';

  /** Adds a node and returns it. */
  node(op: string, options: NodeOptions = {}): GraphNode {
    const name = this.#unique(this.#scope + (options.name ?? op));
    const node = new GraphNode(this, this.nodes.length, op, { ...options, name });
    this.nodes.push(node);
    return node;
  }

  /** Adds a node with one output and returns that output. */
  value(
    op: string,
    output: { dtype: DType; shape: Shape },
    options: Omit<NodeOptions, 'outputs'> & { attrs?: Record<string, Attr> } = {},
  ): Value {
    return this.node(op, { ...options, outputs: [output] }).outputs[0];
  }

  /** Prefixes the names of nodes that are added inside `build` with `name/`. */
  scope<T>(name: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = `${outer}${name}/`;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  /** Adds a constant; equal constants share one node. A number becomes a scalar, and an array of numbers a vector. */
  constant(value: number | readonly number[], dtype: 'float32' | 'int32' = 'float32'): Value {
    const shape = typeof value === 'number' ? [] : [value.length];
    const key = `${dtype} ${shape} ${value}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const numbers = typeof value === 'number' ? [value] : value;
    const data = dtype === 'float32' ? Float32Array.from(numbers) : Int32Array.from(numbers);
    const constant = this.value(
      'Const',
      { dtype, shape },
      { attrs: { dtype: { type: dtype }, value: { tensor: { dtype, shape, data } } } },
    );
    this.#constants.set(key, constant);
    return constant;
  }

  placeholder(name: string, dtype: DType, shape: Shape): Value {
    return this.value('Placeholder', { dtype, shape }, { name, attrs: { dtype: { type: dtype }, shape: { shape } } });
  }

  /** Declares a variable of the session. The variable is named after the node, without any scope. */
  variable(name: string, dtype: DType, shape: Shape): Variable {
    if (this.#variables.has(name)) throw new Error(`variable ${name} already exists`);
    const scope = this.#scope;
    this.#scope = '';
    const handle = this.value(
      'VarHandleOp',
      { dtype: 'resource', shape: [] },
      {
        name,
        attrs: {
          dtype: { type: dtype },
          shape: { shape },
          shared_name: { string: name },
          container: { string: '' },
        },
      },
    );
    this.#scope = scope;
    const variable = { name, dtype, shape, handle };
    this.#variables.set(name, variable);
    return variable;
  }

  /**
   * Returns the content of the variable at the start of a run. The whole graph shares one read node. An update is
   * guaranteed to run after this read only if it depends on the read's data. Therefore, a value that is assigned to a
   * variable must be computed from the variable's read (or belong to another run).
   */
  read(variable: Variable): Value {
    let value = this.#reads.get(variable.name);
    if (!value) {
      const scope = this.#scope;
      this.#scope = '';
      value = this.value(
        'ReadVariableOp',
        { dtype: variable.dtype, shape: variable.shape },
        { name: `${variable.name}/read`, inputs: [variable.handle], attrs: { dtype: { type: variable.dtype } } },
      );
      this.#scope = scope;
      this.#reads.set(variable.name, value);
    }
    return value;
  }

  assign(variable: Variable, value: Value): GraphNode {
    return this.node('AssignVariableOp', {
      name: `${variable.name}/assign`,
      inputs: [variable.handle, value],
      attrs: { dtype: { type: variable.dtype }, validate_shape: { bool: false } },
    });
  }

  #unique(name: string): string {
    const count = this.#taken.get(name);
    this.#taken.set(name, (count ?? 0) + 1);
    return count === undefined ? name : this.#unique(`${name}_${count}`);
  }
}

/** Returns the number of elements of a shape without unknown dimensions. */
export function elementCount(shape: Shape): number {
  return shape.reduce<number>((product, size) => {
    if (size === null) throw new Error(`the number of elements of shape [${shape.join(', ')}] is unknown`);
    return product * size;
  }, 1);
}

/** Returns a dimension that must be known when the graph is built. */
export function knownSize(shape: Shape, axis: number): number {
  const size = shape.at(axis);
  if (size === null || size === undefined) {
    throw new Error(`dimension ${axis} of shape [${shape.join(', ')}] is unknown`);
  }
  return size;
}
