// Which objects are users, what a NAME.pub says, and what changes for a listing: also for random ones.
#include "identity/users_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include <fmt/format.h>

#include "keys/private_key.h"
#include "keys/public_text.h"

namespace sekisho::identity {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string key_line(const std::string& comment) {
    static const keys::PublicKey key = keys::PrivateKey::generate(keys::KeyKind::Ed25519).public_key();
    return key.line(comment);
}

TEST(UsersListing, TakesNamesOfTheRuleAndNoOthers) {
    std::vector<ListedObject> objects{{"public-keys/", "", 0}};
    for (const char* name : {"alice", "a", "x-1", "a--", "z9"})
        objects.push_back({fmt::format("public-keys/{}.pub", name), "t", 9});
    const std::string longest(64, 'a');
    objects.push_back({"public-keys/" + longest + ".pub", "t", 9});
    const std::size_t good = objects.size() - 1;
    for (const char* name : {"", "../alice", "..", "Alice", "aLice", "1alice", "-alice", "al ice", "al_ice", "al.ice",
             "team/alice", "al\nice", "ålice", "root", "alice\0x"}) {
        objects.push_back({fmt::format("public-keys/{}.pub", name), "t", 9});
    }
    objects.push_back({std::string("public-keys/al\0ice.pub", 22), "t", 9});
    objects.push_back({"public-keys/" + longest + "a.pub", "t", 9});
    for (const char* name :
        {"public-keys/alice", "public-keys/alice.PUB", "public-keys/README.txt", "public-keys/alice.pub~", "public-keys/x/"})
        objects.push_back({name, "t", 9});
    const std::size_t all = objects.size() - 1;
    // "alice\0x" ends at its zero: it is a second alice.
    const Listing listing = read_listing(objects, "public-keys/");
    EXPECT_EQ(listing.users.size(), good);
    EXPECT_EQ(listing.refused.size(), all - good - 1);
    EXPECT_TRUE(listing.users.contains("alice"));
    EXPECT_EQ(listing.users.at("x-1").name, "public-keys/x-1.pub");
}

TEST(UsersKeys, SeveralLinesWithTheirOptions) {
    const std::string first = key_line("one"), second = "from=\"192.0.2.0/24\",no-pty " + key_line("two");
    const auto keys = read_keys("# people\n\n  " + first + "\r\n" + second + "\n" + first);
    ASSERT_TRUE(keys) << keys.error().full();
    EXPECT_THAT(*keys, ElementsAre(first, second));
}

TEST(UsersKeys, OneWrongLineSpoilsAll) {
    EXPECT_THAT(read_keys(key_line("good") + "\nssh-ed25519 AAAA\n").error().text, HasSubstr("line 2"));
    EXPECT_THAT(read_keys("nonsense-option " + key_line("x")).error().full(), HasSubstr("nonsense-option"));
    EXPECT_THAT(read_keys("").error().text, HasSubstr("no key"));
    EXPECT_THAT(read_keys("# nobody\n\n").error().text, HasSubstr("no key"));
    EXPECT_FALSE(read_keys("<html>Sign in to this network</html>"));
    EXPECT_FALSE(read_keys(std::string("\0\0\0", 3)));
}

TEST(UsersKeys, OtherTextForms) {
    const auto key = keys::parse_public_text(key_line("alice"));
    const auto keys = read_keys("\n" + keys::rfc4716(key->key, "alice"));
    ASSERT_TRUE(keys) << keys.error().full();
    EXPECT_THAT(*keys, ElementsAre(key_line("alice")));
    EXPECT_FALSE(read_keys("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"));
}

model::Access stored() {
    model::Access access;
    access.users = {{.name = "bucket", .groups = {"old"}, .keys = {"k"}, .locked = true, .origin = "p/bucket.pub"},
        {.name = "gone", .keys = {"k"}, .origin = "p/gone.pub"}, {.name = "here", .keys = {"mine"}}};
    access.index();
    return access;
}

Listing listed(const std::vector<std::string>& names) {
    std::vector<ListedObject> objects;
    for (const auto& name : names) objects.push_back({"p/" + name + ".pub", "t", 9});
    return read_listing(objects, "p/");
}

TEST(UsersPlanTest, CreatesChangesAndRemoves) {
    const auto plan = plan_users(stored(), listed({"bucket", "new"}),
        {{"p/bucket.pub", std::vector<std::string>{"k2"}}, {"p/new.pub", std::vector<std::string>{"k3"}}},
        {.groups = {"ops"}});
    ASSERT_THAT(plan.put, SizeIs(2));
    EXPECT_EQ(plan.put[0].keys, std::vector<std::string>{"k2"});
    EXPECT_EQ(plan.put[0].groups, std::vector<std::string>{"ops"});
    EXPECT_TRUE(plan.put[0].locked) << "what was set here stays";
    EXPECT_EQ(plan.put[1], (model::User{.name = "new", .groups = {"ops"}, .keys = {"k3"}, .origin = "p/new.pub"}));
    EXPECT_THAT(plan.created, ElementsAre(UserChange{"new", "p/new.pub"}));
    EXPECT_THAT(plan.removed, ElementsAre(UserChange{"gone", "p/gone.pub"}));
    EXPECT_THAT(plan.refused, IsEmpty());
}

TEST(UsersPlanTest, WhoWasMadeHereIsNeverTouched) {
    const auto plan =
        plan_users(stored(), listed({"bucket", "gone", "here"}), {{"p/here.pub", std::vector<std::string>{"theirs"}}}, {});
    EXPECT_TRUE(plan.empty());
    ASSERT_THAT(plan.refused, SizeIs(1));
    EXPECT_EQ(plan.refused[0].object, "p/here.pub");
}

TEST(UsersPlanTest, AnUnreadableObjectChangesNothing) {
    const auto plan = plan_users(stored(), listed({"bucket", "gone", "new"}),
        {{"p/bucket.pub", fail("line 1: no")}, {"p/new.pub", fail("empty")}}, {});
    EXPECT_TRUE(plan.empty());
    EXPECT_THAT(plan.refused, SizeIs(2));
}

TEST(UsersPlanTest, AnEmptyListingIsAMistakeUnlessItIsMeant) {
    const auto kept = plan_users(stored(), listed({}), {}, {});
    EXPECT_TRUE(kept.empty());
    EXPECT_EQ(kept.kept_though_gone, 2U);
    const auto meant = plan_users(stored(), listed({}), {}, {.empty_removes = true});
    EXPECT_THAT(meant.removed, SizeIs(2));
    EXPECT_EQ(meant.kept_though_gone, 0U);
    // A listing in which no name will do is as empty.
    EXPECT_EQ(plan_users(stored(), listed({"Alice", "../x"}), {}, {}).kept_though_gone, 2U);
}

model::Access applied(model::Access access, const UsersPlan& plan) {
    const auto drop = [&](const std::string& name) {
        std::erase_if(access.users, [&](const auto& user) { return user.name == name; });
    };
    for (const auto& gone : plan.removed) drop(gone.user);
    for (const auto& user : plan.put) {
        drop(user.name);
        access.users.push_back(user);
    }
    access.index();
    return access;
}

// Whatever is stored and listed: afterwards it is as listed, nothing that was made here has changed, and the next look changes nothing.
TEST(UsersPlanTest, RandomListings) {
    std::mt19937 random(20261122);
    const auto one_in = [&](unsigned n) { return random() % n == 0; };
    for (int round = 0; round < 2000; ++round) {
        model::Access access;
        std::vector<std::string> names;
        Contents contents;
        for (int i = 0; i < 12; ++i) {
            const std::string name = fmt::format("u{}", i);
            const std::string object = "p/" + name + ".pub";
            if (one_in(2)) access.users.push_back({.name = name, .keys = {"old"}, .origin = one_in(3) ? "" : object});
            if (one_in(2)) names.push_back(name);
            if (one_in(4)) names.push_back("BAD" + name);
            if (!one_in(5))
                contents.emplace(object, one_in(4) ? Result<std::vector<std::string>>(fail("unreadable"))
                                                   : std::vector<std::string>{one_in(2) ? "old" : "new"});
        }
        access.index();
        const Listing listing = listed(names);
        const bool empty_removes = one_in(2);
        const PlanSettings settings{.groups = {"g"}, .empty_removes = empty_removes};
        const UsersPlan plan = plan_users(access, listing, contents, settings);
        const model::Access after = applied(access, plan);

        for (const auto& user : access.users) {
            if (user.origin.empty()) {
                ASSERT_TRUE(after.user(user.name));
                EXPECT_EQ(*after.user(user.name), user);
            } else if (!listing.users.contains(user.name)) {
                EXPECT_EQ(after.user(user.name) == nullptr, !listing.users.empty() || empty_removes);
            }
        }
        for (const auto& [name, object] : listing.users) {
            const model::User* before = access.user(name);
            const auto content = contents.find(object.name);
            if (before && before->origin.empty()) continue;
            if (content == contents.end() || !content->second) {
                EXPECT_EQ(after.user(name) != nullptr, before != nullptr);
                if (before) {
                    EXPECT_EQ(*after.user(name), *before);
                }
            } else {
                ASSERT_TRUE(after.user(name));
                EXPECT_EQ(after.user(name)->keys, *content->second);
            }
        }
        EXPECT_EQ(plan.created.size() + access.users.size() - plan.removed.size(), after.users.size());
        EXPECT_TRUE(plan_users(after, listing, contents, settings).empty());
    }
}

}  // namespace
}  // namespace sekisho::identity
