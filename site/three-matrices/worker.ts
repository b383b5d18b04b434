import type { Certificate } from "attention-kernels";
import { answer, gatherLosses } from "../kit/answer.js";
import { drawnPlaces } from "../kit/chart.js";
import { descent } from "./descent.js";
import type { Message, Proof } from "./messages.js";
import type { Task } from "./settings.js";

/** The curve of a certificate from a step on. */
function proofOf(certificate: Certificate, at: number | null, steps: number): Proof | null {
  if (!certificate.certified || at === null) return null;
  const x = drawnPlaces(steps - at + 1).map((place) => at + place);
  const { theorem, rigorous, rate } = certificate;
  return { at, theorem, rigorous, rate, x, y: x.map((step) => certificate.predictedLoss(step - at)) };
}

answer<Task, Message>(async (task, post) => {
  const losses = gatherLosses((some) => post({ kind: "losses", losses: some }));
  const { path } = await descent(task, (event) => {
    if ("loss" in event) {
      losses.add(event.loss);
      return;
    }
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
  });
  losses.flush();
  post({
    kind: "end",
    end: {
      proof: proofOf(path.certificate, path.certifiedAt, path.losses.length - 1),
      checks: [...path.checks],
      reason: path.certificate.reason,
    },
  });
});
