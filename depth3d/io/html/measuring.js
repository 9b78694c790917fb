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
  const slopes = slopesOf(points, length);
  const nearnesses = points.map((point) => 1 / point[2]);
  let variance;
  if (facts.fit) {
    const { a, b, covariance, d_sigma } = facts.fit;
    const perA = sum(slopes.map((slope, i) => (slope * (nearnesses[i] - b)) / a));
    const perB = sum(slopes);
    variance = perA * perA * covariance[0][0] + 2 * perA * perB * covariance[0][1] + perB * perB * covariance[1][1];
    variance += sum(slopes.map((slope) => (slope * a * d_sigma) ** 2));
  } else if (facts.sigma) {
    variance = sum(slopes.map((slope, i) => (slope * nearnesses[i] * relativeSigma(points[i], facts)) ** 2));
  } else {
    return null;
  }
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
function relativeSigma([x, y, z], { camera, sigma }) {
  const column = ((camera.cx + (camera.fx * x) / z) / camera.width) * sigma.width;
  const row = ((camera.cy + (camera.fy * y) / z) / camera.height) * sigma.height;
  const at = clamp(Math.floor(row), sigma.height - 1) * sigma.width + clamp(Math.floor(column), sigma.width - 1);
  return sigma.codes[at] === 255 ? NaN : sigma.least * sigma.step ** sigma.codes[at];
}

// As many decimals as two digits of the error bar have, or three digits without one.
function inWords({ length, sigma }, unit) {
  const suffix = unit === "m" ? " m" : " units";
  if (sigma === null || !(sigma > 0)) return Number(length.toPrecision(3)) + suffix;
  let decimals = 0;
  while (decimals < 6 && sigma * 10 ** decimals < 9.5) decimals += 1;
  return `${length.toFixed(decimals)} ± ${sigma.toFixed(decimals)}${suffix}`;
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
const clamp = (value, most) => Math.min(Math.max(value, 0), most);
