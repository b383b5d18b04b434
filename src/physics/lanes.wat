;; Layers of a transformer on rows of lanes: a row holds one channel of one token, with a float64 lane for each image.
;; Every number is computed as one image alone would be, each sum in the order of its terms.
;; x, y and the like are addresses. `row` is the length of a row in bytes, a multiple of 32.
(module
  (import "host" "memory" (memory 1))

  ;; y_o = b_o + Σ_k x_k w_ko, or with `onto` y_o + (b_o + Σ_k x_k w_ko), for `in` rows x and `out` rows y, which
  ;; begin `xStep` and `yStep` bytes after one another. w has rows of `out` numbers.
  (func (export "linear")
    (param $x i32) (param $w i32) (param $b i32) (param $y i32) (param $in i32) (param $out i32)
    (param $xStep i32) (param $yStep i32) (param $row i32) (param $onto i32)
    (local $end i32) (local $o i32) (local $k i32) (local $xt i32) (local $wt i32) (local $wStep i32) (local $yt i32)
    (local $x0 v128) (local $x1 v128) (local $u v128)
    (local $c00 v128) (local $c01 v128) (local $c10 v128) (local $c11 v128)
    (local $c20 v128) (local $c21 v128) (local $c30 v128) (local $c31 v128)
    (local.set $wStep (i32.shl (local.get $out) (i32.const 3)))
    (local.set $end (i32.add (local.get $x) (local.get $row)))
    (loop $lanes
      (local.set $yt (local.get $y))
      (local.set $o (i32.const 0))
      (block $few
        (loop $fours
          (br_if $few (i32.gt_u (i32.add (local.get $o) (i32.const 4)) (local.get $out)))
          (local.set $c00 (v128.const f64x2 0 0)) (local.set $c01 (v128.const f64x2 0 0))
          (local.set $c10 (v128.const f64x2 0 0)) (local.set $c11 (v128.const f64x2 0 0))
          (local.set $c20 (v128.const f64x2 0 0)) (local.set $c21 (v128.const f64x2 0 0))
          (local.set $c30 (v128.const f64x2 0 0)) (local.set $c31 (v128.const f64x2 0 0))
          (local.set $xt (local.get $x))
          (local.set $wt (i32.add (local.get $w) (i32.shl (local.get $o) (i32.const 3))))
          (local.set $k (local.get $in))
          (loop $terms
            (local.set $x0 (v128.load (local.get $xt)))
            (local.set $x1 (v128.load offset=16 (local.get $xt)))
            (local.set $u (v128.load64_splat (local.get $wt)))
            (local.set $c00 (f64x2.add (local.get $c00) (f64x2.mul (local.get $x0) (local.get $u))))
            (local.set $c01 (f64x2.add (local.get $c01) (f64x2.mul (local.get $x1) (local.get $u))))
            (local.set $u (v128.load64_splat offset=8 (local.get $wt)))
            (local.set $c10 (f64x2.add (local.get $c10) (f64x2.mul (local.get $x0) (local.get $u))))
            (local.set $c11 (f64x2.add (local.get $c11) (f64x2.mul (local.get $x1) (local.get $u))))
            (local.set $u (v128.load64_splat offset=16 (local.get $wt)))
            (local.set $c20 (f64x2.add (local.get $c20) (f64x2.mul (local.get $x0) (local.get $u))))
            (local.set $c21 (f64x2.add (local.get $c21) (f64x2.mul (local.get $x1) (local.get $u))))
            (local.set $u (v128.load64_splat offset=24 (local.get $wt)))
            (local.set $c30 (f64x2.add (local.get $c30) (f64x2.mul (local.get $x0) (local.get $u))))
            (local.set $c31 (f64x2.add (local.get $c31) (f64x2.mul (local.get $x1) (local.get $u))))
            (local.set $xt (i32.add (local.get $xt) (local.get $xStep)))
            (local.set $wt (i32.add (local.get $wt) (local.get $wStep)))
            (br_if $terms (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
          (call $put (local.get $yt) (local.get $b) (local.get $o) (local.get $onto) (local.get $c00) (local.get $c01))
          (local.set $yt (i32.add (local.get $yt) (local.get $yStep)))
          (local.set $o (i32.add (local.get $o) (i32.const 1)))
          (call $put (local.get $yt) (local.get $b) (local.get $o) (local.get $onto) (local.get $c10) (local.get $c11))
          (local.set $yt (i32.add (local.get $yt) (local.get $yStep)))
          (local.set $o (i32.add (local.get $o) (i32.const 1)))
          (call $put (local.get $yt) (local.get $b) (local.get $o) (local.get $onto) (local.get $c20) (local.get $c21))
          (local.set $yt (i32.add (local.get $yt) (local.get $yStep)))
          (local.set $o (i32.add (local.get $o) (i32.const 1)))
          (call $put (local.get $yt) (local.get $b) (local.get $o) (local.get $onto) (local.get $c30) (local.get $c31))
          (local.set $yt (i32.add (local.get $yt) (local.get $yStep)))
          (local.set $o (i32.add (local.get $o) (i32.const 1)))
          (br $fours)))
      (block $done
        (loop $ones
          (br_if $done (i32.ge_u (local.get $o) (local.get $out)))
          (local.set $c00 (v128.const f64x2 0 0)) (local.set $c01 (v128.const f64x2 0 0))
          (local.set $xt (local.get $x))
          (local.set $wt (i32.add (local.get $w) (i32.shl (local.get $o) (i32.const 3))))
          (local.set $k (local.get $in))
          (loop $terms
            (local.set $u (v128.load64_splat (local.get $wt)))
            (local.set $c00 (f64x2.add (local.get $c00) (f64x2.mul (v128.load (local.get $xt)) (local.get $u))))
            (local.set $c01
              (f64x2.add (local.get $c01) (f64x2.mul (v128.load offset=16 (local.get $xt)) (local.get $u))))
            (local.set $xt (i32.add (local.get $xt) (local.get $xStep)))
            (local.set $wt (i32.add (local.get $wt) (local.get $wStep)))
            (br_if $terms (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
          (call $put (local.get $yt) (local.get $b) (local.get $o) (local.get $onto) (local.get $c00) (local.get $c01))
          (local.set $yt (i32.add (local.get $yt) (local.get $yStep)))
          (local.set $o (i32.add (local.get $o) (i32.const 1)))
          (br $ones)))
      (local.set $y (i32.add (local.get $y) (i32.const 32)))
      (local.set $x (i32.add (local.get $x) (i32.const 32)))
      (br_if $lanes (i32.lt_u (local.get $x) (local.get $end)))))

  ;; Four lanes of y_o in `linear`.
  (func $put (param $y i32) (param $b i32) (param $o i32) (param $onto i32) (param $c0 v128) (param $c1 v128)
    (local $u v128)
    (local.set $u (v128.load64_splat (i32.add (local.get $b) (i32.shl (local.get $o) (i32.const 3)))))
    (local.set $c0 (f64x2.add (local.get $c0) (local.get $u)))
    (local.set $c1 (f64x2.add (local.get $c1) (local.get $u)))
    (if (local.get $onto) (then
      (local.set $c0 (f64x2.add (v128.load (local.get $y)) (local.get $c0)))
      (local.set $c1 (f64x2.add (v128.load offset=16 (local.get $y)) (local.get $c1)))))
    (v128.store (local.get $y) (local.get $c0))
    (v128.store offset=16 (local.get $y) (local.get $c1)))

  ;; y = (x - mean) / √(variance + epsilon) · scale + shift over `width` rows.
  (func (export "norm")
    (param $x i32) (param $scale i32) (param $shift i32) (param $y i32) (param $width i32) (param $row i32)
    (param $epsilon f64)
    (local $end i32) (local $stop i32) (local $xt i32) (local $s i32) (local $to i32)
    (local $mean v128) (local $squares v128) (local $d v128) (local $count v128)
    (local.set $count (f64x2.splat (f64.convert_i32_u (local.get $width))))
    (local.set $to (i32.sub (local.get $y) (local.get $x)))
    (local.set $end (i32.add (local.get $x) (local.get $row)))
    (loop $lanes
      (local.set $stop (i32.add (local.get $x) (i32.mul (local.get $width) (local.get $row))))
      (local.set $mean (v128.const f64x2 0 0))
      (local.set $xt (local.get $x))
      (loop $sum
        (local.set $mean (f64x2.add (local.get $mean) (v128.load (local.get $xt))))
        (br_if $sum
          (i32.lt_u (local.tee $xt (i32.add (local.get $xt) (local.get $row))) (local.get $stop))))
      (local.set $mean (f64x2.div (local.get $mean) (local.get $count)))
      (local.set $squares (v128.const f64x2 0 0))
      (local.set $xt (local.get $x))
      (loop $spread
        (local.set $d (f64x2.sub (v128.load (local.get $xt)) (local.get $mean)))
        (local.set $squares (f64x2.add (local.get $squares) (f64x2.mul (local.get $d) (local.get $d))))
        (br_if $spread
          (i32.lt_u (local.tee $xt (i32.add (local.get $xt) (local.get $row))) (local.get $stop))))
      (local.set $squares (f64x2.div (v128.const f64x2 1 1) (f64x2.sqrt
        (f64x2.add (f64x2.div (local.get $squares) (local.get $count)) (f64x2.splat (local.get $epsilon))))))
      (local.set $xt (local.get $x))
      (local.set $s (i32.const 0))
      (loop $each
        (v128.store (i32.add (local.get $xt) (local.get $to)) (f64x2.add
          (f64x2.mul
            (f64x2.mul (f64x2.sub (v128.load (local.get $xt)) (local.get $mean)) (local.get $squares))
            (v128.load64_splat (i32.add (local.get $scale) (local.get $s))))
          (v128.load64_splat (i32.add (local.get $shift) (local.get $s)))))
        (local.set $s (i32.add (local.get $s) (i32.const 8)))
        (br_if $each
          (i32.lt_u (local.tee $xt (i32.add (local.get $xt) (local.get $row))) (local.get $stop))))
      (local.set $x (i32.add (local.get $x) (i32.const 16)))
      (br_if $lanes (i32.lt_u (local.get $x) (local.get $end)))))

  ;; y_i = Σ_t a_t b_ti, lane by lane, for `count` rows y that follow one another. Terms a_t and b_ti begin `aStep` and
  ;; `bStep` bytes after those of the term before, and b_ti begins `step` bytes after b_t(i-1).
  (func (export "pairs")
    (param $a i32) (param $b i32) (param $y i32) (param $terms i32) (param $count i32)
    (param $aStep i32) (param $bStep i32) (param $step i32) (param $row i32)
    (local $lane i32) (local $t i32) (local $at i32) (local $bt i32) (local $c0 v128) (local $c1 v128)
    (loop $rows
      (local.set $lane (i32.const 0))
      (loop $lanes
        (local.set $c0 (v128.const f64x2 0 0)) (local.set $c1 (v128.const f64x2 0 0))
        (local.set $at (i32.add (local.get $a) (local.get $lane)))
        (local.set $bt (i32.add (local.get $b) (local.get $lane)))
        (local.set $t (local.get $terms))
        (loop $sum
          (local.set $c0 (f64x2.add (local.get $c0)
            (f64x2.mul (v128.load (local.get $at)) (v128.load (local.get $bt)))))
          (local.set $c1 (f64x2.add (local.get $c1)
            (f64x2.mul (v128.load offset=16 (local.get $at)) (v128.load offset=16 (local.get $bt)))))
          (local.set $at (i32.add (local.get $at) (local.get $aStep)))
          (local.set $bt (i32.add (local.get $bt) (local.get $bStep)))
          (br_if $sum (local.tee $t (i32.sub (local.get $t) (i32.const 1)))))
        (v128.store (i32.add (local.get $y) (local.get $lane)) (local.get $c0))
        (v128.store offset=16 (i32.add (local.get $y) (local.get $lane)) (local.get $c1))
        (br_if $lanes
          (i32.lt_u (local.tee $lane (i32.add (local.get $lane) (i32.const 32))) (local.get $row))))
      (local.set $b (i32.add (local.get $b) (local.get $step)))
      (local.set $y (i32.add (local.get $y) (local.get $row)))
      (br_if $rows (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))

  ;; s_j = scale s_j + b_j for `keys` rows s that follow one another; writes the largest of them, and
  ;; Σ_j e^(s_j - largest).
  (func (export "total")
    (param $s i32) (param $b i32) (param $keys i32) (param $row i32) (param $scale f64)
    (param $largest i32) (param $sum i32)
    (local $lane i32) (local $at i32) (local $bt i32) (local $j i32)
    (local $x v128) (local $most v128) (local $added v128)
    (loop $lanes
      (local.set $most (v128.const f64x2 -inf -inf))
      (local.set $at (i32.add (local.get $s) (local.get $lane)))
      (local.set $bt (local.get $b))
      (local.set $j (local.get $keys))
      (loop $scaled
        (local.set $x (f64x2.add
          (f64x2.mul (f64x2.splat (local.get $scale)) (v128.load (local.get $at))) (v128.load64_splat (local.get $bt))))
        (v128.store (local.get $at) (local.get $x))
        (local.set $most (f64x2.max (local.get $most) (local.get $x)))
        (local.set $at (i32.add (local.get $at) (local.get $row)))
        (local.set $bt (i32.add (local.get $bt) (i32.const 8)))
        (br_if $scaled (local.tee $j (i32.sub (local.get $j) (i32.const 1)))))
      (local.set $added (v128.const f64x2 0 0))
      (local.set $at (i32.add (local.get $s) (local.get $lane)))
      (local.set $j (local.get $keys))
      (loop $exponentials
        (local.set $added (f64x2.add (local.get $added)
          (call $exponential (f64x2.sub (v128.load (local.get $at)) (local.get $most)))))
        (local.set $at (i32.add (local.get $at) (local.get $row)))
        (br_if $exponentials (local.tee $j (i32.sub (local.get $j) (i32.const 1)))))
      (v128.store (i32.add (local.get $largest) (local.get $lane)) (local.get $most))
      (v128.store (i32.add (local.get $sum) (local.get $lane)) (local.get $added))
      (br_if $lanes (i32.lt_u (local.tee $lane (i32.add (local.get $lane) (i32.const 16))) (local.get $row)))))

  ;; s_j = e^(s_j - t) for `keys` rows s that follow one another.
  (func (export "weights") (param $s i32) (param $t i32) (param $keys i32) (param $row i32)
    (local $lane i32) (local $at i32) (local $j i32) (local $total v128)
    (loop $lanes
      (local.set $total (v128.load (i32.add (local.get $t) (local.get $lane))))
      (local.set $at (i32.add (local.get $s) (local.get $lane)))
      (local.set $j (local.get $keys))
      (loop $each
        (v128.store (local.get $at)
          (call $exponential (f64x2.sub (v128.load (local.get $at)) (local.get $total))))
        (local.set $at (i32.add (local.get $at) (local.get $row)))
        (br_if $each (local.tee $j (i32.sub (local.get $j) (i32.const 1)))))
      (br_if $lanes (i32.lt_u (local.tee $lane (i32.add (local.get $lane) (i32.const 16))) (local.get $row)))))

  ;; e^x for x up to 0, in the operations and the order of fdlibm's e_exp.c, which Math.exp of V8 is: the same bits. 0
  ;; below -708.
  (func $exponential (param $x v128) (result v128)
    (local $k v128) (local $hi v128) (local $lo v128) (local $r v128) (local $t v128) (local $c v128) (local $y v128)
    ;; x = k ln 2 + r, with k = 0 above -ln 2 / 2
    (local.set $k (v128.and
      (f64x2.trunc (f64x2.sub (f64x2.mul (local.get $x) (v128.const f64x2 0x1.71547652b82fep+0 0x1.71547652b82fep+0))
        (v128.const f64x2 0.5 0.5)))
      (f64x2.le (local.get $x) (v128.const f64x2 -0x1.62e43p-2 -0x1.62e43p-2))))
    (local.set $hi (f64x2.sub (local.get $x)
      (f64x2.mul (local.get $k) (v128.const f64x2 0x1.62e42feep-1 0x1.62e42feep-1))))
    (local.set $lo (f64x2.mul (local.get $k) (v128.const f64x2 0x1.a39ef35793c76p-33 0x1.a39ef35793c76p-33)))
    (local.set $r (f64x2.sub (local.get $hi) (local.get $lo)))
    (local.set $t (f64x2.mul (local.get $r) (local.get $r)))
    ;; c = r - t (P1 + t (P2 + t (P3 + t (P4 + t P5)))) and e^r = 1 - ((lo - r c / (2 - c)) - hi)
    (local.set $c (f64x2.sub (local.get $r) (f64x2.mul (local.get $t)
      (f64x2.add (v128.const f64x2 0x1.555555555553ep-3 0x1.555555555553ep-3) (f64x2.mul (local.get $t)
      (f64x2.add (v128.const f64x2 -0x1.6c16c16bebd93p-9 -0x1.6c16c16bebd93p-9) (f64x2.mul (local.get $t)
      (f64x2.add (v128.const f64x2 0x1.1566aaf25de2cp-14 0x1.1566aaf25de2cp-14) (f64x2.mul (local.get $t)
      (f64x2.add (v128.const f64x2 -0x1.bbd41c5d26bf1p-20 -0x1.bbd41c5d26bf1p-20)
        (f64x2.mul (local.get $t) (v128.const f64x2 0x1.6376972bea4d0p-25 0x1.6376972bea4d0p-25))))))))))))
    (local.set $y (f64x2.sub (v128.const f64x2 1 1) (f64x2.sub (f64x2.sub (local.get $lo)
      (f64x2.div (f64x2.mul (local.get $r) (local.get $c)) (f64x2.sub (v128.const f64x2 2 2) (local.get $c))))
      (local.get $hi))))
    ;; times 2^k; the last bits of k + 1.5·2^52 are k
    (local.set $y (f64x2.mul (local.get $y) (i64x2.shl
      (i64x2.add (f64x2.add (local.get $k) (v128.const f64x2 6755399441055744 6755399441055744))
        (v128.const i64x2 1023 1023))
      (i32.const 52))))
    (local.set $y (v128.bitselect (f64x2.add (v128.const f64x2 1 1) (local.get $x)) (local.get $y)
      (f64x2.gt (local.get $x) (v128.const f64x2 -0x1p-28 -0x1p-28))))
    (v128.andnot (local.get $y) (f64x2.lt (local.get $x) (v128.const f64x2 -708 -708)))))
