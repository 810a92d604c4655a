// Whose key is this: every owner of a key, and lines that are no keys.
#include "identity/key_index.h"

#include <gtest/gtest.h>

#include "keys/private_key.h"

namespace sekisho::identity {
namespace {

TEST(KeyIndex, FindsEveryOwnerAndNamesBadLines) {
    const auto key = keys::PrivateKey::generate(keys::KeyKind::Ed25519).public_key();
    model::Access access;
    access.users.push_back({.name = "alice", .keys = {key.line("a"), "nonsense"}});
    access.users.push_back({.name = "bob", .keys = {"no-pty " + key.line("b")}});
    const KeyIndex index(access);
    ASSERT_EQ(index.owners(key.blob()).size(), 2u);
    EXPECT_EQ(index.owners(key.blob())[1].user, "bob");
    ASSERT_EQ(index.problems().size(), 1u);
    EXPECT_NE(index.problems()[0].find("alice"), std::string::npos);
    EXPECT_TRUE(index.owners({}).empty());
}

}  // namespace
}  // namespace sekisho::identity
