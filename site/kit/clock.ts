import { computed, onUnmounted, ref, watch, type ComputedRef, type Ref } from "vue";

/** How fast steps pass. */
export const speeds = ["whole run in 8 s", "60 steps a second", "slow: 2 steps a second"] as const;
export type Speed = (typeof speeds)[number];

/** A place in a run that moves with time. */
export interface Clock {
  /** Steps done, not above the last. */
  readonly step: ComputedRef<number>;
  /** The last known step. */
  readonly last: () => number;
  readonly isPlaying: Ref<boolean>;
  readonly speed: Ref<Speed>;
  readonly play: () => void;
  readonly pause: () => void;
  /** Goes to a step, and stays there. */
  readonly seek: (step: number) => void;
  /** Plays from the start; readers who want no motion get the end once it is there, unless they went elsewhere. */
  readonly begin: () => void;
}

/** Whether the reader wants no motion. */
export const wantsStill = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Decades of steps a second: a run of 4,000 steps passes in 8 s. */
const DECADES = Math.log10(4001) / 8;

function after(place: number, seconds: number, speed: Speed): number {
  if (speed === speeds[0]) return (place + 1) * 10 ** (DECADES * seconds) - 1;
  return place + seconds * (speed === speeds[1] ? 60 : 2);
}

/**
 * A clock over the steps of a run, which waits at the last known step while `isDone` is false.
 *
 * @param last the last known step
 * @param isDone whether no more steps follow
 */
export function useClock(last: () => number, isDone: () => boolean): Clock {
  const place = ref(0);
  const isPlaying = ref(false);
  const speed = ref<Speed>(speeds[0]);
  let frame = 0;
  let before = 0;
  const tick = (now: number): void => {
    // the time of a frame may lie before the press of the button
    const seconds = Math.max(0, Math.min(0.1, (now - before) / 1000));
    place.value = Math.min(last(), after(place.value, seconds, speed.value));
    before = now;
    if (isDone() && place.value >= last()) isPlaying.value = false;
    else frame = requestAnimationFrame(tick);
  };
  watch(isPlaying, (playing) => {
    if (!playing) return cancelAnimationFrame(frame);
    before = performance.now();
    frame = requestAnimationFrame(tick);
  });
  onUnmounted(() => (isPlaying.value = false));
  let forget = (): void => undefined;
  const play = (): void => {
    forget();
    if (place.value >= last()) place.value = 0;
    isPlaying.value = true;
  };
  const seek = (step: number): void => {
    forget();
    isPlaying.value = false;
    place.value = Math.max(0, Math.min(last(), step));
  };
  return {
    step: computed(() => Math.min(last(), Math.floor(place.value))),
    last,
    isPlaying,
    speed,
    play,
    pause: () => void (isPlaying.value = false),
    seek,
    begin() {
      seek(0);
      if (!wantsStill()) play();
      else if (isDone()) seek(last());
      else forget = watch(isDone, () => seek(last()), { once: true });
    },
  };
}

/**
 * Starts the runs again whenever settings change, once for all that change together, as when the address is read.
 *
 * @param clock begins with each start
 * @param settings what is watched, nested values too
 * @param restart starts the runs
 */
export function beginOnChange(clock: Clock, settings: object[], restart: () => void): void {
  watch(
    settings,
    () => {
      restart();
      clock.begin();
    },
    { deep: true, flush: "post" },
  );
}
