/** Where an axis begins, ends and is marked. */

export interface Series {
  name: string;
  /** Null where there is no number. */
  values: (number | null)[];
}

export interface Scale {
  low: number;
  high: number;
  ticks: number[];
}

const STEPS = [1, 2, 2.5, 5, 10];

/** A scale of four or five even steps in round numbers that holds every value; from zero, unless it ends at ``top`` and all lie far above zero. */
export function scaleOf(values: readonly (number | null)[], top: number | null = null): Scale {
  const known = values.filter((value): value is number => value !== null);
  // A few cases are counted in ones.
  const high = top ?? Math.max(4, ...known);
  const least = known.length ? Math.min(...known) : 0;
  // Scores lie close together near the top: there the axis shows their differences, and says so by its numbers.
  const low = top !== null && least > top / 2 ? top / 2 : Math.min(0, least);
  const step = roundStep((high - low) / 4);
  const from = Math.floor(low / step) * step;
  const to = top ?? Math.ceil(high / step) * step;
  const ticks: number[] = [];
  for (let tick = from; tick <= to + step / 1000; tick += step) ticks.push(Number(tick.toPrecision(12)));
  return { low: from, high: to, ticks };
}

function roundStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return (STEPS.find((one) => one * power >= rough * 0.999) ?? 10) * power;
}
