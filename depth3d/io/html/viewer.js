// The page: shows the model, turns it, and measures where it is clicked. Drawn only when something has changed.
// The model is in glTF's axes (x right, y up, z towards the viewer), the photo's camera at the origin.

const CLICK_PX = 6; // a pointer that moves farther drags
const NEAR_POINT_PX = 10; // how far from a click a point may lie
const TURN = Math.PI / 36;

const byId = (id) => document.getElementById(id);
const canvas = byId("canvas");

function main() {
  const facts = JSON.parse(byId("facts").textContent);
  for (const map of [facts.sigma, facts.errors]) if (map) map.codes = fromBase64(map.codes);
  const renderer = new THREE.WebGLRenderer({ canvas, antialias: true });
  renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
  renderer.setClearColor(0x15171b);
  const model = fromBase64(byId("model").textContent);
  byId("model").remove();
  new THREE.GLTFLoader().parse(model.buffer, "", (gltf) => show(gltf.scene, facts, renderer), fail);
}

function show(scene, facts, renderer) {
  scene.updateMatrixWorld(true);
  const parts = [];
  scene.traverse((node) => (node.isMesh || node.isPoints) && parts.push(node));
  const camera = new THREE.PerspectiveCamera();
  const controls = new THREE.OrbitControls(camera, canvas);
  const view = { scene, parts, camera, controls, renderer, facts, ends: [] };
  view.heat = facts.nearness && heatMaterial(facts);
  for (const part of parts) {
    part.photo = part.material;
    part.material.side = THREE.DoubleSide;
    if (part.material.map) part.material.map.anisotropy = renderer.capabilities.getMaxAnisotropy();
  }

  const home = homeOf(view);
  const draw = onceAFrame(() => {
    renderer.render(scene, camera);
    drawOverlay(view);
  });
  const fit = () => {
    renderer.setSize(canvas.clientWidth, canvas.clientHeight, false);
    fitLens(view);
    draw();
  };
  const look = () => {
    camera.position.copy(home.position);
    controls.target.copy(home.target);
    controls.update();
    draw();
  };
  camera.near = home.nearest / 20;
  camera.far = home.farthest * 12;
  controls.minDistance = home.nearest / 10;
  controls.maxDistance = home.farthest * 4;
  controls.zoomToCursor = true;
  controls.addEventListener("change", draw);
  limitTurn(view);
  fit();
  look();
  connectButtons(view, look, draw);
  connectPointer(view, draw);
  connectKeys(view, look);
  new ResizeObserver(fit).observe(canvas);
  requestAnimationFrame(() => tell(view));
}

// The model turns no farther than what nearer things hide is filled in, and says so where it stops.
function limitTurn({ controls, facts }) {
  const free = byId("free");
  free.hidden = !facts.turn;
  if (!facts.turn) return;
  const { left, right, up, down } = facts.turn;
  const limits = [-left, right, 90 - up, 90 + down].map((degrees) => (degrees * Math.PI) / 180);
  const apply = ([least, most, highest, lowest]) => {
    Object.assign(controls, { minAzimuthAngle: least, maxAzimuthAngle: most });
    Object.assign(controls, { minPolarAngle: highest, maxPolarAngle: lowest });
    controls.update();
  };
  toggle(free, (isOn) => {
    byId("limit").hidden = true;
    apply(isOn ? [-Infinity, Infinity, 0, Math.PI] : limits);
  });
  controls.addEventListener("change", () => {
    const [azimuth, polar] = [controls.getAzimuthalAngle(), controls.getPolarAngle()];
    const isAt = [azimuth, azimuth, polar, polar].some((angle, side) => Math.abs(angle - limits[side]) < 1e-4);
    byId("limit").hidden = !isAt || free.getAttribute("aria-pressed") === "true";
  });
  apply(limits);
}

// Where the photo was taken, looking at what lies in its middle; or, where that is unknown, a place that sees it all.
function homeOf({ scene, facts }) {
  const box = new THREE.Box3().setFromObject(scene);
  const size = box.getSize(new THREE.Vector3()).length();
  if (facts.camera) {
    const target = new THREE.Vector3(0, 0, -facts.middle);
    const farthest = Math.max(-box.min.z, size);
    return { position: new THREE.Vector3(), target, nearest: Math.max(-box.max.z, farthest / 1e5), farthest };
  }
  const target = box.getCenter(new THREE.Vector3());
  const position = target.clone().add(new THREE.Vector3(0.35, 0.3, 1).setLength(1.2 * size));
  return { position, target, nearest: size / 100, farthest: 2 * size };
}

// The field of view in which the whole photo is seen, with its principal point where it belongs.
function fitLens({ camera, facts }) {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  camera.aspect = width / height;
  camera.fov = 45;
  if (facts.camera) {
    const { cx, cy, fy } = facts.camera;
    const scale = Math.min(width / facts.camera.width, height / facts.camera.height);
    camera.fov = (2 * Math.atan(height / 2 / (fy * scale)) * 180) / Math.PI;
    const aside = (facts.camera.width / 2 - cx) * scale;
    const below = (facts.camera.height / 2 - cy) * scale;
    camera.setViewOffset(width, height, aside, below, width, height);
  }
  camera.updateProjectionMatrix();
}

// Colours by 1/z from the photo's camera, as `depth3d depth --heatmap`.
function heatMaterial({ nearness, inferno }) {
  const colours = new THREE.DataTexture(fromBase64(inferno), 256, 1);
  colours.needsUpdate = true;
  return new THREE.ShaderMaterial({
    side: THREE.DoubleSide,
    uniforms: { colours: { value: colours }, nearness: { value: new THREE.Vector2(...nearness) }, size: { value: 1 } },
    vertexShader: `
      uniform float size;
      varying float depth;
      void main() {
        vec4 world = modelMatrix * vec4(position, 1.0);
        depth = -world.z;
        gl_Position = projectionMatrix * viewMatrix * world;
        gl_PointSize = size;
      }`,
    fragmentShader: `
      uniform sampler2D colours;
      uniform vec2 nearness;
      varying float depth;
      void main() {
        float share = clamp((1.0 / depth - nearness.x) / (nearness.y - nearness.x), 0.0, 1.0);
        gl_FragColor = vec4(texture2D(colours, vec2((share * 255.0 + 0.5) / 256.0, 0.5)).rgb, 1.0);
      }`,
  });
}

function connectButtons(view, look, draw) {
  const { parts, heat, facts } = view;
  const isCloud = parts.every((part) => part.isPoints);
  byId("home").textContent = facts.camera ? "Photo's view" : "Whole view";
  byId("home").onclick = look;
  byId("heat").hidden = !heat;
  byId("wire").hidden = isCloud;
  byId("size").hidden = !isCloud;
  toggle(byId("heat"), (isOn) => {
    for (const part of parts) part.material = isOn ? heat : part.photo;
    draw();
  });
  toggle(byId("wire"), (isOn) => {
    for (const material of materialsOf(view)) material.wireframe = isOn;
    draw();
  });
  const slider = byId("size").querySelector("input");
  const resize = () => {
    const pixelRatio = view.renderer.getPixelRatio();
    for (const part of parts) part.photo.size = Number(slider.value);
    if (heat) heat.uniforms.size.value = slider.value * pixelRatio;
    draw();
  };
  slider.value = gaplessPointSize(view);
  slider.oninput = resize;
  if (isCloud) resize();
  byId("clear").onclick = () => mark(view, [], draw);
  for (const [name, text] of facts.about) {
    for (const [tag, words] of [["dt", name], ["dd", text]]) {
      byId("about").append(Object.assign(document.createElement(tag), { textContent: words }));
    }
  }
}

function toggle(button, change) {
  button.onclick = () => {
    const isOn = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isOn));
    change(isOn);
  };
}

const materialsOf = ({ parts, heat }) => [...parts.map((part) => part.photo), ...(heat ? [heat] : [])];

// At this size the points of the photo's grid touch each other in the first view.
function gaplessPointSize({ parts, facts }) {
  if (!facts.camera) return 2;
  const count = parts.reduce((total, part) => total + part.geometry.attributes.position.count, 0);
  const scale = Math.min(canvas.clientWidth / facts.camera.width, canvas.clientHeight / facts.camera.height);
  return Math.ceil(scale * Math.sqrt((facts.camera.width * facts.camera.height) / count) + 0.2);
}

function connectPointer(view, draw) {
  let start = null;
  let fingers = 0;
  canvas.addEventListener("pointerdown", (event) => {
    fingers += 1;
    start = fingers === 1 && event.button === 0 ? [event.clientX, event.clientY] : null;
  });
  canvas.addEventListener("pointercancel", () => {
    fingers = 0;
    start = null;
  });
  canvas.addEventListener("pointerup", (event) => {
    fingers = Math.max(0, fingers - 1);
    if (start && Math.hypot(event.clientX - start[0], event.clientY - start[1]) < CLICK_PX) {
      const corner = canvas.getBoundingClientRect();
      addEnd(view, event.clientX - corner.left, event.clientY - corner.top, draw);
    }
    start = null;
  });
}

function connectKeys(view, look) {
  const { controls } = view;
  const redraw = () => controls.dispatchEvent({ type: "change" });
  const actions = {
    ArrowLeft: () => controls.rotateLeft(TURN),
    ArrowRight: () => controls.rotateLeft(-TURN),
    ArrowUp: () => controls.rotateUp(TURN),
    ArrowDown: () => controls.rotateUp(-TURN),
    "+": () => controls.dollyIn(1.1),
    "=": () => controls.dollyIn(1.1),
    "-": () => controls.dollyOut(1.1),
    r: look,
    Enter: () => addEnd(view, canvas.clientWidth / 2, canvas.clientHeight / 2, redraw),
    Escape: () => mark(view, [], redraw),
  };
  canvas.addEventListener("keydown", (event) => {
    const action = event.ctrlKey || event.metaKey || event.altKey ? null : actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
    controls.update();
  });
}

function addEnd(view, x, y, draw) {
  const found = pick(view, x, y);
  if (!found) return;
  mark(view, view.ends.length === 1 ? [...view.ends, found] : [found], draw);
}

function mark(view, ends, draw) {
  view.ends = ends;
  byId("clear").disabled = ends.length === 0;
  tell(view);
  draw();
}

// The thing at a place of the canvas, in pixels, as a point of the model; null where there is nothing.
function pick({ parts, camera }, x, y) {
  const at = new THREE.Vector2((x / canvas.clientWidth) * 2 - 1, 1 - (y / canvas.clientHeight) * 2);
  const surfaces = parts.filter((part) => part.isMesh);
  if (surfaces.length === 0) return pickPoint(parts, camera, at);
  const caster = new THREE.Raycaster();
  caster.setFromCamera(at, camera);
  const [hit] = caster.intersectObjects(surfaces, false);
  return hit ? hit.point : null;
}

// Of the points around that place: one that is hardly farther away than the nearest, and there closest to the place.
function pickPoint(parts, camera, at) {
  const found = [];
  for (const part of parts) {
    const { position } = part.geometry.attributes;
    const screenFromPart = camera.projectionMatrix.clone().multiply(camera.matrixWorldInverse).multiply(part.matrixWorld);
    const p = new THREE.Vector4();
    for (let i = 0; i < position.count; i += 1) {
      p.set(position.getX(i), position.getY(i), position.getZ(i), 1).applyMatrix4(screenFromPart);
      const dx = ((p.x / p.w - at.x) * canvas.clientWidth) / 2;
      const dy = ((p.y / p.w - at.y) * canvas.clientHeight) / 2;
      const away = Math.hypot(dx, dy);
      if (p.w > 0 && away < NEAR_POINT_PX) found.push({ part, i, away, depth: p.w });
    }
  }
  if (found.length === 0) return null;
  const front = found.reduce((least, one) => Math.min(least, one.depth + one.depth * 0.02 * one.away), Infinity);
  const seen = found.filter((one) => one.depth <= front * 1.03);
  const { part, i } = seen.reduce((best, one) => (one.away < best.away ? one : best));
  return new THREE.Vector3().fromBufferAttribute(part.geometry.attributes.position, i).applyMatrix4(part.matrixWorld);
}

function tell({ ends, facts }) {
  const points = ends.map(({ x, y, z }) => [x, -y, -z]);
  const isFirst = ends.length < 2;
  const known = ends.length === 0 || (isFirst && !facts.camera) ? null : measure(points, facts);
  const said = known ? inWords(known, facts.unit) + (isFirst ? " from the camera" : "") : "";
  byId("reading").textContent = said || (ends.length ? "Click a second point" : "Click two points to measure");
  const aside = isFirst && said ? "Click a second point for a length. " : "";
  const unit = facts.unit === "m" ? "" : "Arbitrary units: no distance was given, so nothing here is in metres. ";
  const range = known ? rangeInWords(known, facts.unit) : "";
  const error = !known ? "" : range ? `${range}; ± is one standard deviation.` : "Its error is not known.";
  byId("reading").append(Object.assign(document.createElement("small"), { textContent: aside + unit + error }));
}

function drawOverlay({ ends, camera }) {
  const places = ends.map((end) => {
    const p = end.clone().project(camera);
    return p.z > 1 ? null : [((p.x + 1) * canvas.clientWidth) / 2, ((1 - p.y) * canvas.clientHeight) / 2];
  });
  byId("overlay").querySelectorAll("circle").forEach((circle, i) => {
    circle.style.display = places[i] ? "" : "none";
    if (places[i]) setAll(circle, { cx: places[i][0], cy: places[i][1] });
  });
  const line = byId("overlay").querySelector("line");
  const isWhole = places.length === 2 && places[0] && places[1];
  line.style.display = isWhole ? "" : "none";
  if (isWhole) setAll(line, { x1: places[0][0], y1: places[0][1], x2: places[1][0], y2: places[1][1] });
}

function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value.toFixed(1));
}

function onceAFrame(draw) {
  let isWaiting = false;
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      draw();
    });
  };
}

function fromBase64(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

function fail(error) {
  byId("reading").textContent = `The model cannot be shown: ${error.message || error}. This page needs WebGL.`;
}

try {
  main();
} catch (error) {
  fail(error);
}
