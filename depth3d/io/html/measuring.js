// Lengths with their error bars, as depth3d/geometry/measure.py has them.
// Points are [x, y, z] in the photo's camera axes: x right, y down, z forward.

function measure(points, facts) {
  const length = lengthOf(points);
  return { length, sigma: facts.camera ? sigmaOf(points, length, facts) : null };
}

// Between two points, or from the camera to one.
function lengthOf([first, second = [0, 0, 0]]) {
  return Math.hypot(first[0] - second[0], first[1] - second[1], first[2] - second[2]);
}

// One standard deviation to first order, or null where no error is known.
function sigmaOf(points, length, facts) {
  if (!facts.sigma) return null;
  const slopes = slopesOf(points, length);
  const each = points.map((point, i) => (slopes[i] / point[2]) * relativeSigma(point, facts));
  // What is wrong with both ends alike moves them together; the rest of each end's error is its own.
  const factors = points.map((point) => factorsAt(point, facts));
  const together = factors[0].map((_, k) => sum(each.map((error, i) => error * factors[i][k])) ** 2);
  const alone = each.map((error, i) => error ** 2 * Math.max(0, 1 - sum(factors[i].map((factor) => factor ** 2))));
  const variance = sum(together) + sum(alone);
  // The camera's focal length is uncertain too: it stretches what lies across the picture.
  const longer = 1 + facts.camera.focal_sigma;
  const across = lengthOf(points.map(([x, y, z]) => [x / longer, y / longer, z])) - length;
  return Number.isFinite(variance) ? Math.hypot(Math.sqrt(variance), across) : null;
}

// How the length changes with 1/z of each end.
function slopesOf(points, length) {
  const [first, second] = points;
  const from = second ? first : [0, 0, 0];
  const to = second || first;
  const along = to.map((value, axis) => (value - from[axis]) / Math.max(length, 1e-300));
  return points.map((point, i) => {
    const outward = -point[2] * (point[0] * along[0] + point[1] * along[1] + point[2] * along[2]);
    return second && i === 0 ? -outward : outward;
  });
}

// Depth's error as a share of it, from the coarse map that the page carries.
function relativeSigma(point, { camera, sigma }) {
  const at = cellOf(point, camera, sigma);
  return sigma.codes[at] === 255 ? NaN : sigma.least * sigma.step ** sigma.codes[at];
}

// How much of the error at a point is shared with others, by kinds of error; none where nothing is known of that.
function factorsAt(point, { camera, errors }) {
  if (!errors) return [];
  const at = cellOf(point, camera, errors);
  const cells = errors.width * errors.height;
  return Array.from({ length: errors.count }, (_, k) => ((errors.codes[k * cells + at] << 24) >> 24) / 127);
}

// The cell of a coarse map of the photo in which a point lies.
function cellOf([x, y, z], camera, { width, height }) {
  const column = ((camera.cx + (camera.fx * x) / z) / camera.width) * width;
  const row = ((camera.cy + (camera.fy * y) / z) / camera.height) * height;
  return clamp(Math.floor(row), height - 1) * width + clamp(Math.floor(column), width - 1);
}

// As many decimals as two digits of the error bar have, or three digits without one.
function inWords({ length, sigma }, unit) {
  const suffix = unit === "m" ? " m" : " units";
  if (sigma === null || !(sigma > 0)) return Number(length.toPrecision(3)) + suffix;
  let decimals = 0;
  while (decimals < 6 && sigma * 10 ** decimals < 9.5) decimals += 1;
  return `${length.toFixed(decimals)} ± ${sigma.toFixed(decimals)}${suffix}`;
}

// Where the length lies with a probability of 95 %: two standard deviations of its logarithm, or "" without an error.
function rangeInWords({ length, sigma }, unit) {
  if (sigma === null || !(sigma > 0)) return "";
  const factor = Math.exp((1.96 * sigma) / length);
  const [low, high] = [length / factor, length * factor].map((end) => Number(end.toPrecision(3)));
  return `95 % sure: ${low} to ${high}${unit === "m" ? " m" : " units"}`;
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
const clamp = (value, most) => Math.min(Math.max(value, 0), most);
