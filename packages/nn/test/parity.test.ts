import { capsule } from '../src/models/capsule.js';
import { denseModel } from '../src/models/dense-network.js';
import { efficientNetB0Features } from '../src/models/efficientnet-b0.js';
import { mobileNetV2 } from '../src/models/mobilenet-v2.js';
import { resnet18 } from '../src/models/resnet18.js';
import { tlResnet50 } from '../src/models/resnet50.js';
import { smallCnnModel } from '../src/models/small-cnn.js';
import { transferArchitecture } from '../src/models/transfer.js';
import { twoBranchModel } from '../src/models/two-branch.js';
import { vggAudio } from '../src/models/vgg-audio.js';
import { CLASSES, COLUMNS, equalsKeras } from './parity.js';

const HEAD = { dropout: 0, dense: [24] };
// Keras draws different random numbers, so stochastic depth is off on both sides.
const efficientNet = transferArchitecture('efficientnet-b0', () => efficientNetB0Features(0), 1280);

equalsKeras('small-cnn', (image) => smallCnnModel(image, CLASSES, { filters: [8, 12, 16], dense: [20] }));
equalsKeras('resnet50', (image) => tlResnet50.architecture.build(image, CLASSES, HEAD));
equalsKeras('resnet18', (image) => resnet18.architecture.build(image, CLASSES, HEAD));
equalsKeras('mobilenet-v2', (image) => mobileNetV2.architecture.build(image, CLASSES, HEAD), 0.999);
equalsKeras('efficientnet-b0', (image) => efficientNet.build(image, CLASSES, HEAD));
equalsKeras('vgg-audio', (image) => vggAudio.architecture.build(image, CLASSES, HEAD));
equalsKeras('capsule', (image) => capsule.architecture.build(image, CLASSES, { filters: 12, capsules: 2, routing: 3 }));
equalsKeras('dense', () => denseModel({ columns: COLUMNS }, CLASSES, { dense: [20, 12], dropout: 0 }));
equalsKeras('two-branch', (image) =>
  twoBranchModel({ ...image, columns: COLUMNS }, CLASSES, {
    ...{ filters: [8, 12, 16], imageDense: [14], vectorDense: [9, 7], dense: [11], dropout: 0 },
  }),
);
