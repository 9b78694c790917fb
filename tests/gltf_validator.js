// Prints what Khronos' glTF validator says about one file, as JSON: node gltf_validator.js FILE
const fs = require("fs");
const validator = require(process.env.DEPTH3D_GLTF_VALIDATOR || "gltf-validator");

validator
  .validateBytes(new Uint8Array(fs.readFileSync(process.argv[2])), { maxIssues: 20 })
  .then((report) => console.log(JSON.stringify(report)))
  .catch((error) => { console.error(String(error)); process.exit(1); });
