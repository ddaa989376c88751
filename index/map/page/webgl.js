// Draws the points with WebGL: one call for all points, one more for the marked ones.

const VERTEX = `
attribute vec3 position;
attribute vec4 state;  // category, shown, emphasis (0 faint, 1 plain, 2 marked), misleads
uniform mat3 rotation;
uniform vec3 centre;
uniform vec2 scale;
uniform vec2 offset;
uniform float perspective;
uniform float size;
uniform float markedPass;
uniform vec4 palette[32];  // colour and shape
varying vec4 colour;
varying float shape;
varying float hollow;
varying float pixels;
varying float fog;
void main() {
  float emphasis = state.z;
  bool isMarked = emphasis > 1.5;
  if (state.y < 0.5 || isMarked != (markedPass > 0.5)) {
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    gl_PointSize = 1.0;
    return;
  }
  vec3 turned = rotation * (position - centre);
  float nearness = 1.0 / max(1.0 - perspective * turned.z, 0.05);
  gl_Position = vec4(turned.xy * scale * nearness + offset, -clamp(turned.z * 0.25, -0.9, 0.9), 1.0);
  pixels = size * (perspective > 0.0 ? nearness : 1.0) * (isMarked ? 1.35 : 1.0);
  gl_PointSize = pixels;
  vec4 swatch = palette[int(state.x + 0.5)];
  float alpha = emphasis < 0.5 ? 0.16 : 0.9;
  hollow = state.w;
  if (hollow > 0.5 && pixels < 7.0 && !isMarked) alpha *= 0.42;
  fog = perspective > 0.0 ? clamp(0.3 - turned.z * 0.4, 0.0, 0.6) : 0.0;
  colour = vec4(swatch.rgb, alpha);
  shape = swatch.a;
}`;

const FRAGMENT = `
precision mediump float;
uniform vec3 ground;
varying vec4 colour;
varying float shape;
varying float hollow;
varying float pixels;
varying float fog;
void main() {
  vec2 p = gl_PointCoord * 2.0 - 1.0;
  float edge;
  if (shape < 0.5) edge = length(p) - 0.82;
  else if (shape < 1.5) edge = max(abs(p.x), abs(p.y)) - 0.70;
  else if (shape < 2.5) edge = max(abs(p.x) * 0.866 - p.y * 0.5, p.y) - 0.50;
  else if (shape < 3.5) edge = (abs(p.x) + abs(p.y)) * 0.707 - 0.66;
  else if (shape < 4.5) edge = max(min(abs(p.x), abs(p.y)) - 0.29, max(abs(p.x), abs(p.y)) - 0.90);
  else if (shape < 5.5) edge = max(abs(p.x) * 0.866 + p.y * 0.5, -p.y) - 0.50;
  else edge = length(p) - 0.52;
  float rim = shape > 3.5 && shape < 4.5 ? 0.16 : shape > 5.5 ? 0.22 : 0.36;
  float soft = 2.2 / pixels;
  float cover = 1.0 - smoothstep(-soft, soft * 0.4, edge);
  vec3 ink = mix(colour.rgb, ground, fog);
  if (pixels >= 7.0) {
    if (hollow > 0.5) cover *= mix(0.14, 1.0, smoothstep(-rim - soft, -rim, edge));
    else ink = mix(ink, ground, 0.55 * smoothstep(-0.20 - soft, -0.06, edge));
  }
  if (cover < 0.02) discard;
  float alpha = colour.a * cover;
  gl_FragColor = vec4(ink * alpha, alpha);
}`;

const SHAPE_NUMBERS = { circle: 0, square: 1, triangle: 2, diamond: 3, plus: 4, wedge: 5, dot: 6 };

class GlPoints {
  static make(canvas, positions) {
    const options = { antialias: false, alpha: true, premultipliedAlpha: true, preserveDrawingBuffer: false };
    const gl = canvas.getContext("webgl", options);
    return gl ? new GlPoints(canvas, gl, positions) : null;
  }

  constructor(canvas, gl, positions) {
    this.name = "webgl";
    this.canvas = canvas;
    this.gl = gl;
    this.n = positions.length / 3;
    this.positions = positions;
    this._start();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this._start();
      if (this.lastStates) this.setStates(this.lastStates);
      if (this.redraw) this.redraw();
    });
  }

  _start() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
      gl.attachShader(program, shader);
    }
    gl.bindAttribLocation(program, 0, "position");
    gl.bindAttribLocation(program, 1, "state");
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program));
    gl.useProgram(program);
    this.at = {};
    const names = ["rotation", "centre", "scale", "offset", "perspective", "size", "markedPass", "palette", "ground"];
    for (const name of names) this.at[name] = gl.getUniformLocation(program, name);
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, this.positions, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 3, gl.FLOAT, false, 0, 0);
    this.stateBuffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, this.stateBuffer);
    gl.bufferData(gl.ARRAY_BUFFER, 4 * this.n, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 4, gl.UNSIGNED_BYTE, false, 0, 0);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.clearColor(0, 0, 0, 0);
  }

  // Uint8 [4 n]: category, shown, emphasis, misleads.
  setStates(states) {
    this.lastStates = states;
    this.hasMarked = false;
    for (let at = 2; at < states.length && !this.hasMarked; at += 4) this.hasMarked = states[at] === 2;
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.stateBuffer);
    this.gl.bufferSubData(this.gl.ARRAY_BUFFER, 0, states);
  }

  draw(camera, look) {
    const { gl, at, canvas } = this;
    const ratio = look.ratio;
    canvas.width = Math.round(camera.width * ratio);
    canvas.height = Math.round(camera.height * ratio);
    gl.viewport(0, 0, canvas.width, canvas.height);
    const r = camera.rotation;
    gl.uniformMatrix3fv(at.rotation, false, [r[0], r[3], r[6], r[1], r[4], r[7], r[2], r[5], r[8]]);
    gl.uniform3fv(at.centre, camera.centre);
    gl.uniform2f(at.scale, (2 * camera.scale) / camera.width, (2 * camera.scale) / camera.height);
    const [mx, my] = camera.middle;
    gl.uniform2f(at.offset, (2 * mx) / camera.width - 1, 1 - (2 * my) / camera.height);
    gl.uniform1f(at.perspective, camera.perspective);
    gl.uniform1f(at.size, look.size * ratio);
    gl.uniform3fv(at.ground, look.ground);
    const palette = new Float32Array(4 * 32);
    look.colours.forEach((colour, code) => palette.set([...rgb(colour), SHAPE_NUMBERS[look.shapes[code]]], 4 * code));
    gl.uniform4fv(at.palette, palette);
    (camera.isFlat ? gl.disable : gl.enable).call(gl, gl.DEPTH_TEST);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    gl.uniform1f(at.markedPass, 0);
    gl.drawArrays(gl.POINTS, 0, this.n);
    if (!this.hasMarked) return;
    gl.clear(gl.DEPTH_BUFFER_BIT);
    gl.uniform1f(at.markedPass, 1);
    gl.drawArrays(gl.POINTS, 0, this.n);
  }
}

function rgb(hex) {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);
}
