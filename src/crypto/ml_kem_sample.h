// Inside of crypto only: polynomials of ML-KEM-768 out of hashes (FIPS 203 §4.2.2), four hashes at a time.
#pragma once

#include "base/bytes.h"
#include "crypto/ml_kem_ntt.h"

namespace sekisho::crypto::ml_kem {

enum class Order { Plain, Transposed };

/// The matrix A in the transformed domain from the public seed `rho`, or its transpose: SampleNTT (algorithm 7) of
/// rho ‖ column ‖ row. Takes as long as the public seed wants.
void sample_matrix(Matrix& out, std::span<const std::byte, 32> rho, Order order);

/// Noise of eta = 2: SamplePolyCBD (algorithm 8) of PRF(seed, first), PRF(seed, first + 1) …, up to four polynomials.
void sample_noise(std::span<Poly* const> out, std::span<const std::byte, 32> seed, std::uint8_t first);

}  // namespace sekisho::crypto::ml_kem
