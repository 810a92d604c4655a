#include "evidence/merkle.h"

#include "base/assert.h"
#include "crypto/hash.h"

namespace sekisho::evidence {
namespace {

constexpr std::array kLeaf{std::byte{0}};
constexpr std::array kNode{std::byte{1}};

Digest node(const Digest& left, const Digest& right) { return crypto::sha256({kNode, left, right}); }

}  // namespace

Digest merkle_leaf(const Digest& value) { return crypto::sha256({kLeaf, value}); }

/// Level by level; the odd one at the end goes up as it is, which gives RFC 9162's tree.
MerkleTree::MerkleTree(std::vector<Digest> leaves) {
    SEKISHO_ASSERT(!leaves.empty());
    m_levels.push_back(std::move(leaves));
    while (m_levels.back().size() > 1) {
        const std::vector<Digest>& below = m_levels.back();
        std::vector<Digest> level;
        level.reserve((below.size() + 1) / 2);
        for (std::size_t i = 0; i < below.size(); i += 2) {
            level.push_back(i + 1 < below.size() ? node(below[i], below[i + 1]) : below[i]);
        }
        m_levels.push_back(std::move(level));
    }
}

std::vector<Digest> MerkleTree::path(std::size_t index) const {
    SEKISHO_ASSERT(index < size());
    std::vector<Digest> path;
    for (std::size_t level = 0; level + 1 < m_levels.size(); ++level, index /= 2) {
        const std::size_t neighbour = index ^ 1;
        if (neighbour < m_levels[level].size()) path.push_back(m_levels[level][neighbour]);
    }
    return path;
}

std::optional<Digest> merkle_root(
    const Digest& leaf, std::uint64_t index, std::uint64_t size, std::span<const Digest> path) {
    if (index >= size) return std::nullopt;
    Digest hash = leaf;
    for (; size > 1; index /= 2, size = (size + 1) / 2) {
        if (index % 2 == 0 && index + 1 == size) continue;  // without a neighbour
        if (path.empty()) return std::nullopt;
        hash = index % 2 == 0 ? node(hash, path.front()) : node(path.front(), hash);
        path = path.subspan(1);
    }
    return path.empty() ? std::optional(hash) : std::nullopt;
}

}  // namespace sekisho::evidence
