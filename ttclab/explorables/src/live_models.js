// The models that run in the page, in a worker.
import workerSource from "worker:./live_worker.js";

/**
 * @typedef {import("./live_worker.js").Tasks} Tasks
 * @typedef {{ configs: Record<string, unknown>, characters: string[] }} Description of the models
 * @typedef {Record<string, ArrayBuffer | DataView>} Files of weights, as a page has them, or as a widget does
 */

/** Runs tasks one after the other. */
export class LiveModels {
  /** @type {Map<number, (told: any) => void>} */
  #waiting = new Map();
  #ticket = 0;

  /**
   * @param {Description} description
   * @param {Files} files
   * @param {(message: string) => void} failed
   */
  constructor({ configs, characters }, files, failed) {
    this.worker = new Worker(URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" })));
    this.worker.onmessage = ({ data }) => {
      const tell = this.#waiting.get(data.ticket);
      this.#waiting.delete(data.ticket);
      tell?.(data.told);
    };
    this.worker.onerror = ({ message }) => {
      this.forget();
      failed(message);
    };
    const buffers = Object.fromEntries(Object.entries(files).map(([key, file]) => [key, bufferOf(file)]));
    this.worker.postMessage({ load: { configs, characters, files: buffers } });
  }

  /**
   * @template {keyof Tasks} Task
   * @param {Task} task
   * @param {Parameters<Tasks[Task]>[1]} asked
   * @param {(told: ReturnType<Tasks[Task]>) => void} tell is not called once the task is forgotten
   */
  run(task, asked, tell) {
    this.#waiting.set(++this.#ticket, tell);
    this.worker.postMessage({ run: { ticket: this.#ticket, task, asked } });
  }

  /** Drops all tasks that are not done. */
  forget() { this.#waiting.clear(); }

  stop() { this.worker.terminate(); }
}

/**
 * @param {ArrayBuffer | DataView} file
 * @returns {ArrayBuffer}
 */
function bufferOf(file) {
  return file instanceof ArrayBuffer ? file : /** @type {ArrayBuffer} */ (file.buffer).slice(file.byteOffset, file.byteOffset + file.byteLength);
}
