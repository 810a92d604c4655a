// Hash trees as RFC 9162 §2.1 has them: one signature of the root stands for many leaves, and each leaf can show by a short path that it
// is one of them. Used for the ends of recordings (recording/signing). Pure; any thread.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "evidence/chain.h"

namespace sekisho::evidence {

/// SHA-256(0 ‖ value): a leaf never reads as a node.
Digest merkle_leaf(const Digest& value);

/// The tree over some leaves, at least one.
class MerkleTree {
public:
    explicit MerkleTree(std::vector<Digest> leaves);
    const Digest& root() const { return m_levels.back().front(); }
    std::size_t size() const { return m_levels.front().size(); }
    /// From the leaf upwards.
    std::vector<Digest> path(std::size_t index) const;

private:
    std::vector<std::vector<Digest>> m_levels;  // a node without a neighbour stands on the next level as it is
};

/// The longest path of a tree of at most 2^32 leaves.
inline constexpr std::size_t kMerklePathMost = 32;

/// The root that a leaf and its path lead to; nothing where they cannot be of a tree of `size` leaves.
std::optional<Digest> merkle_root(const Digest& leaf, std::uint64_t index, std::uint64_t size, std::span<const Digest> path);

}  // namespace sekisho::evidence
