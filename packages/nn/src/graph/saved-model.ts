import type { TensorFlow } from '../tensorflow.js';
import { type Attr, DATA_TYPES, type GraphNode, type Shape, type Value } from './graph.js';

/** A named entry point of a graph: which tensors to feed and which to fetch. */
export interface Signature {
  inputs: Readonly<Record<string, Value>>;
  outputs: Readonly<Record<string, Value>>;
}

export type Signatures = Readonly<Record<string, Signature>>;

type ProtobufClasses = TensorFlow['protobuf'];

/** The newest version of TensorFlow's op semantics that the graph relies on: TF_GRAPH_DEF_VERSION of 2.15. */
const PRODUCER = 1882;

/** Serialises nodes with their signatures as a SavedModel (saved_model.pb). */
export function encodeSavedModel(pb: ProtobufClasses, nodes: readonly GraphNode[], signatures: Signatures): Uint8Array {
  const versions = new pb.VersionDef();
  versions.setProducer(PRODUCER);
  const definition = new pb.GraphDef();
  definition.setVersions(versions);
  for (const { op, name, inputs, attrs, after } of nodes) {
    const node = new pb.NodeDef();
    node.setOp(op);
    node.setName(name);
    node.setInputList([...inputs.map((input) => input.reference), ...after.map((before) => `^${before.name}`)]);
    for (const [key, attr] of Object.entries(attrs)) node.getAttrMap().set(key, encodeAttr(pb, attr));
    definition.addNode(node);
  }
  const information = new pb.MetaGraphDef.MetaInfoDef();
  information.addTags('serve');
  const metaGraph = new pb.MetaGraphDef();
  metaGraph.setMetaInfoDef(information);
  metaGraph.setGraphDef(definition);
  for (const [name, { inputs, outputs }] of Object.entries(signatures)) {
    const signature = new pb.SignatureDef();
    for (const [key, value] of Object.entries(inputs)) signature.getInputsMap().set(key, tensorInfo(pb, value));
    for (const [key, value] of Object.entries(outputs)) signature.getOutputsMap().set(key, tensorInfo(pb, value));
    signature.setMethodName('tensorflow/serving/predict');
    metaGraph.getSignatureDefMap().set(name, signature);
  }
  const model = new pb.SavedModel();
  model.setSavedModelSchemaVersion(1);
  model.addMetaGraphs(metaGraph);
  return model.serializeBinary();
}

function encodeAttr(pb: ProtobufClasses, attr: Attr): unknown {
  const value = new pb.AttrValue();
  if ('type' in attr) value.setType(DATA_TYPES[attr.type]);
  else if ('int' in attr) value.setI(attr.int);
  else if ('float' in attr) value.setF(attr.float);
  else if ('bool' in attr) value.setB(attr.bool);
  else if ('string' in attr) value.setS(new TextEncoder().encode(attr.string));
  else if ('shape' in attr) value.setShape(encodeShape(pb, attr.shape));
  else if ('ints' in attr) {
    const list = new pb.AttrValue.ListValue();
    list.setIList([...attr.ints]);
    value.setList(list);
  } else {
    const { dtype, shape, data } = attr.tensor;
    const tensor = new pb.Tensor();
    tensor.setDtype(DATA_TYPES[dtype]);
    tensor.setTensorShape(encodeShape(pb, shape));
    tensor.setTensorContent(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    value.setTensor(tensor);
  }
  return value;
}

function encodeShape(pb: ProtobufClasses, shape: Shape): unknown {
  const message = new pb.TensorShape();
  for (const size of shape) {
    const dimension = new pb.TensorShape.Dim();
    dimension.setSize(size ?? -1);
    message.addDim(dimension);
  }
  return message;
}

function tensorInfo(pb: ProtobufClasses, value: Value): unknown {
  const information = new pb.TensorInfo();
  information.setName(value.reference);
  information.setDtype(DATA_TYPES[value.dtype]);
  information.setTensorShape(encodeShape(pb, value.shape));
  return information;
}
