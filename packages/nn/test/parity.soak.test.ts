import { resnet34 } from '../src/models/resnet34.js';
import { resnet101 } from '../src/models/resnet101.js';
import { resnet152 } from '../src/models/resnet152.js';
import { CLASSES, equalsKeras } from './parity.js';

const HEAD = { dropout: 0, dense: [24] };

equalsKeras('resnet34', (image) => resnet34.architecture.build(image, CLASSES, HEAD));
equalsKeras('resnet101', (image) => resnet101.architecture.build(image, CLASSES, HEAD));
equalsKeras('resnet152', (image) => resnet152.architecture.build(image, CLASSES, HEAD));
