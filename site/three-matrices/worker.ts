import type { Certificate } from "attention-kernels";
import { drawnPlaces } from "../kit/chart.js";
import { descent } from "./descent.js";
import type { Message, Proof } from "./messages.js";
import type { Task } from "./settings.js";

/** Milliseconds between two messages with losses. */
const PAUSE = 80;

const post = (message: Message): void => postMessage(message);

/** The curve of a certificate from a step on. */
function proofOf(certificate: Certificate, at: number | null, steps: number): Proof | null {
  if (!certificate.certified || at === null) return null;
  const x = drawnPlaces(steps - at + 1).map((place) => at + place);
  const { theorem, rigorous, rate } = certificate;
  return { at, theorem, rigorous, rate, x, y: x.map((step) => certificate.predictedLoss(step - at)) };
}

onmessage = async ({ data: task }: MessageEvent<Task>) => {
  let losses: number[] = [];
  let sent = 0;
  const flush = (): void => {
    post({ kind: "losses", losses });
    losses = [];
    sent = performance.now();
  };
  try {
    const { path } = await descent(task, (event) => {
      if ("report" in event) {
        const { conditions, certificate, initialLoss } = event.report;
        const { lossFloor } = certificate.certified ? { lossFloor: null } : certificate;
        const x = drawnPlaces(task.steps + 1);
        post({
          kind: "start",
          start: {
            conditions: [...conditions],
            initialLoss,
            lossFloor,
            reason: certificate.reason,
            stepSize: event.stepSize,
            curve: { kind: event.curve.kind, x, y: x.map((step) => event.curve.loss(step)) },
            proof: proofOf(certificate, 0, task.steps),
          },
        });
        return;
      }
      losses.push(event.loss);
      if (performance.now() - sent > PAUSE) flush();
    });
    flush();
    post({
      kind: "end",
      end: {
        proof: proofOf(path.certificate, path.certifiedAt, path.losses.length - 1),
        checks: [...path.checks],
        reason: path.certificate.reason,
      },
    });
  } catch (error) {
    post({ kind: "failed", reason: error instanceof Error ? error.message : String(error) });
  }
};
