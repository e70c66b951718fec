/* The int8 product, written once over what each instruction set defines before including this (after
 * kernel_float.h): TILE8_ROWS × TILE8_PANELS, struct part (a panel's four rows as loaded), struct quad (four bytes of a
 * row in every lane), part_load, quad_load and dot (sum += quad · part). No include guard on purpose.
 *
 * u8 × s8 has no sign trouble with a zero point: the products are summed as they are, and zero * (sum of the column)
 * is taken off at the end. Sums stay below 2^31 for k up to 65,000. */

INLINE void int8_tile(size_t rows, size_t panels, size_t k, const struct uint8_rows *a, size_t row,
                      const struct int8_weights *b, size_t panel, const float *bias, float *c, size_t ldc)
{
    vi sum[TILE8_ROWS][TILE8_PANELS * PARTS];
    const uint8_t *x = a->p + row * k;
    const int8_t *w = b->panels + panel * PANEL * k;
    UNROLL for (size_t r = 0; r < rows; r++)
    {
        UNROLL for (size_t j = 0; j < panels * PARTS; j++) sum[r][j] = (vi){0};
    }
    for (size_t i = 0; i < k; i += 4) {
        struct part p[TILE8_PANELS * PARTS];
        UNROLL for (size_t j = 0; j < panels * PARTS; j++)
            part_load(&p[j], w + (j / PARTS) * k * PANEL + i * PANEL + (j % PARTS) * LANES * 4);
        UNROLL for (size_t r = 0; r < rows; r++)
        {
            struct quad q;
            quad_load(&q, x + r * k + i);
            UNROLL for (size_t j = 0; j < panels * PARTS; j++) dot(&sum[r][j], &q, &p[j]);
        }
    }
    UNROLL for (size_t r = 0; r < rows; r++)
    {
        UNROLL for (size_t j = 0; j < panels * PARTS; j++)
        {
            size_t at = panel * PANEL + j * LANES;
            vi exact = sum[r][j] - *(const vi *)(b->sum + at) * a->zero[row + r];
            vf by = LOAD(b->scale + at) * a->scale[row + r];
            AT(c + (row + r) * ldc + at) = __builtin_convertvector(exact, vf) * by + LOAD(bias + at);
        }
    }
}

INLINE void int8_rows(size_t m, size_t panels, size_t k, const struct uint8_rows *a, const struct int8_weights *b,
                      size_t panel, const float *bias, float *c, size_t ldc)
{
    size_t r = 0;
    for (; r + TILE8_ROWS <= m; r += TILE8_ROWS)
        int8_tile(TILE8_ROWS, panels, k, a, r, b, panel, bias, c, ldc);
    if (TILE8_ROWS > 4 && r + 4 <= m) {
        int8_tile(TILE8_ROWS < 4 ? TILE8_ROWS : 4, panels, k, a, r, b, panel, bias, c, ldc);
        r += 4;
    }
    if (TILE8_ROWS > 2 && r + 2 <= m) {
        int8_tile(TILE8_ROWS < 2 ? TILE8_ROWS : 2, panels, k, a, r, b, panel, bias, c, ldc);
        r += 2;
    }
    for (; r < m; r++)
        int8_tile(1, panels, k, a, r, b, panel, bias, c, ldc);
}

TARGET static void matmul_int8(size_t m, size_t n16, size_t k, const struct uint8_rows *a, const struct int8_weights *b,
                               const float *bias, float *c, size_t ldc)
{
    size_t p = 0;
    for (; p + TILE8_PANELS <= n16; p += TILE8_PANELS)
        int8_rows(m, TILE8_PANELS, k, a, b, p, bias, c, ldc);
    for (; p < n16; p++)
        int8_rows(m, 1, k, a, b, p, bias, c, ldc);
}
