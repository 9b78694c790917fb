// What the offline page needs of three.js; README.md beside this file says how three.min.js is made of it.
export {
  Box3,
  DataTexture,
  DoubleSide,
  PerspectiveCamera,
  Raycaster,
  ShaderMaterial,
  Vector2,
  Vector3,
  Vector4,
  WebGLRenderer,
} from "three";
export { OrbitControls } from "three/examples/jsm/controls/OrbitControls.js";
export { GLTFLoader } from "three/examples/jsm/loaders/GLTFLoader.js";
