;; gelu of numbers in memory, two at a time, in the operations and the order of `gelu` in gelu.ts: the same bits.
(module
  (import "host" "memory" (memory 1))

  ;; y = gelu(x) for the numbers from `at` to before `end`, in place; an even number of them. The address 0 has
  ;; 2^(step/64) for 64 steps.
  (func (export "gelu") (param $at i32) (param $end i32)
    (local $x v128) (local $u v128) (local $n v128) (local $r v128) (local $e v128) (local $whole v128)
    (local $at0 i32) (local $at1 i32)
    (loop $numbers
      (local.set $x (v128.load (local.get $at)))
      ;; u = -2 √(2/π) (x + 0.044715 x³)
      (local.set $u (f64x2.mul (v128.const f64x2 -1.5957691216057308 -1.5957691216057308)
        (f64x2.add (local.get $x) (f64x2.mul (f64x2.mul (f64x2.mul
          (v128.const f64x2 0.044715 0.044715) (local.get $x)) (local.get $x)) (local.get $x)))))
      ;; n = round(u 64 log₂e), which the last bits of the sum hold, and r = u - n ln 2 / 64
      (local.set $whole (f64x2.add
        (f64x2.mul (local.get $u) (v128.const f64x2 92.332482616893656877 92.332482616893656877))
        (v128.const f64x2 6755399441055744 6755399441055744)))
      (local.set $n (f64x2.sub (local.get $whole) (v128.const f64x2 6755399441055744 6755399441055744)))
      (local.set $r (f64x2.sub (f64x2.sub (local.get $u)
        (f64x2.mul (local.get $n) (v128.const f64x2 0x1.62e42feep-7 0x1.62e42feep-7)))
        (f64x2.mul (local.get $n) (v128.const f64x2 0x1.a39ef35793c76p-39 0x1.a39ef35793c76p-39))))
      (local.set $at0 (i32.shl (i32.and (i32x4.extract_lane 0 (local.get $whole)) (i32.const 63)) (i32.const 3)))
      (local.set $at1 (i32.shl (i32.and (i32x4.extract_lane 2 (local.get $whole)) (i32.const 63)) (i32.const 3)))
      (local.set $e (v128.load64_lane 1 (local.get $at1) (v128.load64_zero (local.get $at0))))
      (local.set $r (f64x2.add (local.get $r) (f64x2.mul (f64x2.mul (local.get $r) (local.get $r))
        (f64x2.add (v128.const f64x2 0.5 0.5) (f64x2.mul (local.get $r)
        (f64x2.add (v128.const f64x2 0x1.5555555555555p-3 0x1.5555555555555p-3) (f64x2.mul (local.get $r)
        (f64x2.add (v128.const f64x2 0x1.5555555555555p-5 0x1.5555555555555p-5)
          (f64x2.mul (local.get $r) (v128.const f64x2 0x1.1111111111111p-7 0x1.1111111111111p-7))))))))))
      ;; e^u = 2^(n / 64) (1 + r)
      (local.set $e (f64x2.mul
        (f64x2.add (local.get $e) (f64x2.mul (local.get $e) (local.get $r)))
        (i64x2.shl (i64x2.add (i64x2.shr_u (local.get $whole) (i32.const 6)) (v128.const i64x2 1023 1023))
          (i32.const 52))))
      ;; 0 below -708, where 1 + e^u is 1 to all digits; infinite from 709 on; NaN of NaN
      (local.set $e (v128.andnot (local.get $e) (f64x2.lt (local.get $u) (v128.const f64x2 -708 -708))))
      (local.set $e (v128.bitselect (v128.const f64x2 inf inf) (local.get $e)
        (f64x2.ge (local.get $u) (v128.const f64x2 709 709))))
      (v128.store (local.get $at)
        (f64x2.div (local.get $x) (f64x2.add (v128.const f64x2 1 1) (local.get $e))))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $numbers (i32.lt_u (local.get $at) (local.get $end))))))
