// The tree against RFC 9162's own definition (MTH, §2.1.1), written down here once more by recursion, and paths against the root.
#include "evidence/merkle.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace sekisho::evidence {
namespace {

Digest value(std::size_t i) { return crypto::sha256({base::view("value " + std::to_string(i))}); }

Digest by_definition(std::span<const Digest> leaves) {
    if (leaves.size() == 1) return leaves.front();
    std::size_t left = 1;
    while (left * 2 < leaves.size()) left *= 2;
    const std::byte one{1};
    return crypto::sha256({BytesView(&one, 1), by_definition(leaves.first(left)), by_definition(leaves.subspan(left))});
}

TEST(MerkleTree, IsTheTreeOfTheStandard) {
    std::vector<Digest> leaves;
    for (std::size_t size = 1; size <= 70; ++size) {
        leaves.push_back(merkle_leaf(value(size)));
        EXPECT_EQ(MerkleTree(leaves).root(), by_definition(leaves)) << size;
    }
}

TEST(MerkleTree, EveryLeafFindsTheRootAndNoOtherDoes) {
    for (std::size_t size = 1; size <= 40; ++size) {
        std::vector<Digest> leaves;
        for (std::size_t i = 0; i < size; ++i) leaves.push_back(merkle_leaf(value(i)));
        const MerkleTree tree(leaves);
        for (std::size_t i = 0; i < size; ++i) {
            const auto path = tree.path(i);
            EXPECT_EQ(merkle_root(leaves[i], i, size, path), tree.root());
            EXPECT_NE(merkle_root(merkle_leaf(value(99)), i, size, path), tree.root());
            EXPECT_EQ(merkle_root(leaves[i], size, size, path), std::nullopt);
            if (size > 1) {
                EXPECT_NE(merkle_root(leaves[i], (i + 1) % size, size, path), tree.root()) << i << " of " << size;
            }
            auto longer = path;
            longer.push_back(value(0));
            EXPECT_EQ(merkle_root(leaves[i], i, size, longer), std::nullopt);
            if (!path.empty()) {
                EXPECT_EQ(merkle_root(leaves[i], i, size, std::span(path).first(path.size() - 1)), std::nullopt);
            }
        }
    }
}

}  // namespace
}  // namespace sekisho::evidence
