const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** 10⁻³ for -3. @param exponent a whole number */
export const powerOfTen = (exponent: number): string =>
  exponent === 0
    ? "1"
    : exponent === 1
      ? "10"
      : `10${exponent < 0 ? "⁻" : ""}${[...String(Math.abs(exponent))].map((digit) => digits[Number(digit)]).join("")}`;

/** A number with three digits, as a power of ten where it is far from 1. @param value any number */
export function short(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "∞" : "-∞";
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -3 && exponent < 5)
    return Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 });
  const [mantissa, power] = value.toExponential(1).split("e");
  return `${mantissa}·${powerOfTen(Number(power))}`;
}

/** A count with separators. @param value a whole number */
export const count = (value: number): string => value.toLocaleString("en");

/** A share in percent. @param value 0 to 1 */
export const percent = (value: number): string => `${short(100 * value)} %`;
