import { capsule } from './capsule.js';
import { denseNetwork } from './dense-network.js';
import { efficientNetB0 } from './efficientnet-b0.js';
import { mobileNetV2 } from './mobilenet-v2.js';
import { resnet18 } from './resnet18.js';
import { resnet34 } from './resnet34.js';
import { tlResnet50 } from './resnet50.js';
import { resnet101 } from './resnet101.js';
import { resnet152 } from './resnet152.js';
import { smallCnn } from './small-cnn.js';
import { twoBranch } from './two-branch.js';
import { vggAudio } from './vgg-audio.js';

/** Every kind of network. To add a network, write a file for it and add it here; see docs/extending.md. */
export const NETWORKS = [
  smallCnn,
  tlResnet50,
  resnet18,
  resnet34,
  resnet101,
  resnet152,
  mobileNetV2,
  efficientNetB0,
  vggAudio,
  capsule,
  denseNetwork,
  twoBranch,
] as const;

export type { NetworkDefinition } from './definition.js';
export { isComputedOnce } from './transfer.js';
export { smallCnn, tlResnet50 };
