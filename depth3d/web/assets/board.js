// The photo and its heat map, side by side, and what is clicked into them.
// Gradio runs this as the body of a function with (element, trigger, props, server, upload, watch).
// Events: "photo" a new photo is in the session; "hint" {pixels, length}; "unhint" {letter};
// "measure" {pixels}; "unmeasure" {index}.

const MODES = {
  far: { points: 1, button: "Give a distance", say: "Click a thing whose distance from the camera you know." },
  long: { points: 2, button: "Give a length", say: "Click both ends of a thing whose length you know." },
  measure: { points: 2, button: "Measure a length", say: "Click two points to measure between them." },
  away: { points: 1, button: "Measure a distance", say: "Click a point to measure how far it is from the camera." },
};

element.innerHTML = `
  <section class="d3-start">
    <div class="d3-drop" tabindex="-1">
      <p class="d3-big">Drop a photo here</p>
      <p>
        <button type="button" class="d3-primary" data-do="choose">Choose a photo</button>
        <button type="button" data-do="webcam">Use the webcam</button>
      </p>
      <p class="d3-small">or paste one. JPEG, PNG, HEIC and more, up to ${props.megabytes} MB
        and ${props.megapixels} megapixels. It is forgotten when you close this page.</p>
      <progress max="1" value="0" hidden></progress>
    </div>
    <div class="d3-webcam" hidden>
      <video autoplay playsinline muted></video>
      <p><button type="button" class="d3-primary" data-do="snap">Take the picture</button>
         <button type="button" data-do="unsnap">Cancel</button></p>
    </div>
    <div class="d3-examples"><span>No photo at hand?</span>
      ${props.examples.map((name) => `<button type="button" data-example="${name}">
        <img src="example/${name}.jpg" alt="" loading="lazy"><span>${name}</span></button>`).join("")}
    </div>
    <input type="file" accept="image/*,.heic,.heif" hidden>
  </section>
  <p class="d3-error" role="alert" hidden></p>
  <section class="d3-work" hidden>
    <div class="d3-tools">
      <div class="d3-modes" role="radiogroup" aria-label="What a click does">
        ${Object.entries(MODES).map(([name, mode]) =>
          `<button type="button" role="radio" data-mode="${name}">${mode.button}</button>`).join("")}
      </div>
      <button type="button" data-do="again">New photo</button>
    </div>
    <p class="d3-say" aria-live="polite"></p>
    <div class="d3-pair">
      <div class="d3-view" data-view="photo"><img alt="your photo" draggable="false"><svg></svg><div class="d3-pins"></div></div>
      <div class="d3-view" data-view="heatmap"><img alt="depth: bright is near" draggable="false"><svg></svg><div class="d3-pins"></div></div>
    </div>
    <form class="d3-ask" hidden>
      <label><span></span><input type="text" autocomplete="off" placeholder="2.4 m" aria-label="length" size="9"></label>
      <button class="d3-primary">Set</button><button type="button" data-do="drop">Cancel</button>
    </form>
    <ul class="d3-list"></ul>
  </section>`;

const find = (selector) => element.querySelector(selector);
const start = find(".d3-start"), work = find(".d3-work"), errorLine = find(".d3-error");
const ask = find(".d3-ask"), askInput = ask.querySelector("input"), file = find("input[type=file]");
const bar = find("progress"), video = find("video");
let mode = "far", pending = [], waiting = [], camera = null;
const PHONE_PX = 480;  // on pictures narrower than this, labels are short: the list below says the rest

// --- a photo comes in -----------------------------------------------------------------------------------

function complain(text) {
  errorLine.textContent = text || "";
  errorLine.hidden = !text;
}

function bring(query, body) {
  complain("");
  if (body && body.size > props.megabytes * 1e6) {
    complain(`This file is larger than the ${props.megabytes} MB this page takes; make it smaller.`);
    return;
  }
  if (!props.value?.session) {  // the page has only just opened
    setTimeout(() => bring(query, body), 100);
    return;
  }
  const request = new XMLHttpRequest();
  request.open("POST", `session/${props.value.session}/photo?${new URLSearchParams(query)}`);
  request.upload.onprogress = (event) => { bar.hidden = false; bar.value = event.loaded / event.total; };
  request.onerror = () => { bar.hidden = true; complain("The server does not answer. Is it still running?"); };
  request.onload = () => {
    bar.hidden = true;
    if (request.status === 200) {
      pending = [];
      waiting = [];
      trigger("photo", {});
      return;
    }
    let text = `The server answers ${request.status}.`;
    try { text = JSON.parse(request.responseText).error; } catch { /* not ours */ }
    complain(text);
  };
  request.send(body);
}

const bringFile = (photo) => photo && bring({ name: photo.name || "photo.png" }, photo);

file.addEventListener("change", () => { bringFile(file.files[0]); file.value = ""; });
for (const name of ["dragenter", "dragover"]) element.addEventListener(name, (event) => {
  event.preventDefault();
  element.classList.add("d3-over");
});
for (const name of ["dragleave", "drop"]) element.addEventListener(name, () => element.classList.remove("d3-over"));
element.addEventListener("drop", (event) => { event.preventDefault(); bringFile(event.dataTransfer.files[0]); });
document.addEventListener("paste", (event) => {
  const photo = [...(event.clipboardData?.files || [])].find((one) => one.type.startsWith("image/"));
  if (element.isConnected && photo) bringFile(photo);
});

async function openWebcam() {
  if (!navigator.mediaDevices) {
    complain("Browsers open the webcam only for pages on this machine (localhost) or over https.");
    return;
  }
  try {
    camera = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, facingMode: "environment" } });
  } catch (problem) {
    complain(`The webcam cannot be opened: ${problem.message}.`);
    return;
  }
  complain("");
  video.srcObject = camera;
  find(".d3-webcam").hidden = false;
  find(".d3-drop").hidden = true;
}

function closeWebcam() {
  camera?.getTracks().forEach((track) => track.stop());
  camera = null;
  find(".d3-webcam").hidden = true;
  find(".d3-drop").hidden = false;
}

function snap() {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  closeWebcam();
  canvas.toBlob((photo) => bring({ name: "webcam.jpg" }, photo), "image/jpeg", 0.95);
}

// --- what is clicked into it ----------------------------------------------------------------------------

function choose(name) {
  mode = name;
  pending = [];
  ask.hidden = true;
  draw();
}

function point(event) {
  const box = event.currentTarget.getBoundingClientRect();
  const [width, height] = props.value.size;
  return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
}

function click(event) {
  if (!ask.hidden) pending = [];
  ask.hidden = true;
  complain("");
  pending.push(point(event));
  if (pending.length === MODES[mode].points) {
    if (mode === "measure" || mode === "away") {
      trigger("measure", { pixels: pending });
      waiting.push({ pixels: pending, text: "…" });
      pending = [];
    } else openQuestion(event);
  }
  draw();
}

function openQuestion(event) {
  ask.querySelector("span").textContent = mode === "far" ? "How far away?" : "How long?";
  ask.hidden = false;
  const room = work.getBoundingClientRect();
  const left = Math.min(event.clientX - room.left + 12, room.width - ask.offsetWidth - 4);
  ask.style.left = `${Math.max(0, left)}px`;
  ask.style.top = `${event.clientY - room.top + 16}px`;
  askInput.focus({ preventScroll: true });
  askInput.select();
}

ask.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!askInput.value.trim()) return;
  trigger("hint", { pixels: pending, length: askInput.value });
  waiting.push({ pixels: pending, text: `${askInput.value.trim()} …` });
  ask.hidden = true;
  pending = [];
  draw();
});

// --- drawing --------------------------------------------------------------------------------------------

function make(tag, attributes, text) {
  const made = tag === "line" ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function things(isShort) {
  const value = props.value;
  const marks = value.marks.map((mark) => ({ ...mark, kind: mark.doubted ? "doubted" : "mark",
    label: isShort ? mark.letter : `${mark.letter} ${mark.text}` }));
  const spans = value.spans.map((span) => ({ ...span, kind: "span", label: isShort ? span.text.split(" ±")[0] : span.text }));
  const asked = waiting.map((one) => ({ pixels: one.pixels, kind: "pending", label: one.text }));
  const open = pending.length ? [{ pixels: pending, kind: "pending", label: pending.length < MODES[mode].points ? "…" : "?" }] : [];
  return [...marks, ...spans, ...asked, ...open];
}

// Where a label goes: beside its thing, where it lies over no pin and no other label, else where it lies over fewest.
function placeLabel(label, [x, y], [width, height], taken) {
  const [w, h] = [label.offsetWidth, label.offsetHeight];
  const places = [[x + 12, y - h / 2], [x - w - 12, y - h / 2], [x - w / 2, y - h - 11], [x - w / 2, y + 11],
    [x + 9, y - h - 7], [x - w - 9, y - h - 7], [x + 9, y + 7], [x - w - 9, y + 7]];
  const covered = ([left, top]) => {
    const outside = left < 0 || top < 0 || left + w > width || top + h > height;
    const over = taken.filter(([l, t, r, b]) => left < r && left + w > l && top < b && top + h > t);
    return over.length + (outside ? 10 : 0);
  };
  const [left, top] = places.reduce((best, one) => (covered(one) < covered(best) ? one : best));
  label.style.left = `${left}px`;
  label.style.top = `${top}px`;
  taken.push([left, top, left + w, top + h]);
}

function drawView(view) {
  const [width, height] = props.value.size;
  const image = view.querySelector("img"), svg = view.querySelector("svg"), pins = view.querySelector(".d3-pins");
  const url = props.value[view.dataset.view];
  view.classList.toggle("d3-waiting", !url);
  if (url && image.getAttribute("src") !== url) image.src = url;
  if (!url) image.removeAttribute("src");
  view.style.aspectRatio = `${width || 4} / ${height || 3}`;
  svg.setAttribute("viewBox", `0 0 ${width || 1} ${height || 1}`);
  svg.replaceChildren();
  pins.replaceChildren();
  const box = [view.clientWidth, view.clientHeight];
  const drawn = things(box[0] < PHONE_PX);
  const inPixels = ([u, v]) => [(u / width) * box[0], (v / height) * box[1]];
  const taken = drawn.flatMap((thing) => thing.pixels).map(inPixels).map(([x, y]) => [x - 9, y - 9, x + 9, y + 9]);
  for (const thing of drawn) {
    const [[u1, v1], [u2, v2]] = [thing.pixels[0], thing.pixels.at(-1)];
    if (thing.pixels.length === 2) svg.append(make("line", { x1: u1, y1: v1, x2: u2, y2: v2, class: `d3-${thing.kind}` }));
    for (const [u, v] of thing.pixels)
      pins.append(make("i", { class: `d3-pin d3-${thing.kind}`, style: `left:${(100 * u) / width}%;top:${(100 * v) / height}%` }));
    const label = make("b", { class: `d3-${thing.kind}` }, thing.label);
    pins.append(label);
    placeLabel(label, inPixels([(u1 + u2) / 2, (v1 + v2) / 2]), box, taken);
  }
}

function drawViews() {
  if (props.value?.photo) element.querySelectorAll(".d3-view").forEach(drawView);
}

function entry(text, kind, event, data) {
  const item = make("li", { class: `d3-${kind}` }, text);
  const remove = make("button", { type: "button", "aria-label": `remove ${text}` }, "✕");
  remove.addEventListener("click", () => trigger(event, data));
  item.append(remove);
  return item;
}

function draw() {
  const value = props.value || {};
  const busy = Boolean(value.photo);
  start.hidden = busy;
  work.hidden = !busy;
  document.body.classList.toggle("d3-busy", busy);
  if (!busy) return;
  drawViews();
  element.querySelectorAll("[data-mode]").forEach((one) => one.setAttribute("aria-checked", one.dataset.mode === mode));
  const half = pending.length === 1 && MODES[mode].points === 2;
  find(".d3-say").textContent = half ? "Now click the other end." : MODES[mode].say;
  find(".d3-list").replaceChildren(
    ...value.marks.map((mark) => entry(`${mark.letter}: ${mark.text}${mark.doubted ? " (disagrees)" : ""}`,
      mark.doubted ? "doubted" : "mark", "unhint", { letter: mark.letter })),
    ...value.spans.map((span, index) => entry(span.text, "span", "unmeasure", { index })),
  );
}

const DO = {
  choose: () => file.click(),
  webcam: openWebcam,
  snap,
  unsnap: closeWebcam,
  again: () => { complain(""); start.hidden = !start.hidden; start.scrollIntoView({ block: "nearest" }); },
  drop: () => choose(mode),
};

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.do) DO[button.dataset.do]();
  if (button.dataset.mode) choose(button.dataset.mode);
  if (button.dataset.example) bring({ example: button.dataset.example });
});
element.querySelectorAll(".d3-view").forEach((view) => view.addEventListener("click", click));
element.addEventListener("keydown", (event) => { if (event.key === "Escape") choose(mode); });
document.addEventListener("d3-answered", () => { waiting.shift(); drawViews(); });
new ResizeObserver(drawViews).observe(element);
watch("value", draw);
draw();
