// One recording, one name: what it follows from, and what no recording is called.
#include "shipping/object_name.h"

#include <gtest/gtest.h>

namespace sekisho::shipping {
namespace {

const ObjectName kName{"2026-11-22_05-16-00_alice+2", "5d1f0c7be2a94633"};
const std::string kObject = "logs/2026/11/22/alice/2026-11-22_05-16-00_alice+2.5d1f0c7be2a94633.skr";

TEST(ObjectNameTest, FollowsFromAuditKeyAndSession) {
    EXPECT_EQ(object_name("logs/", kName), kObject);
    EXPECT_EQ(object_stem(kName.audit_key), "2026/11/22/alice/2026-11-22_05-16-00_alice+2.");
    EXPECT_EQ(parse_object_name("logs/", kObject), kName);
    const ObjectName dotted{"2026-11-22_05-16-00_a.b.c", "damaged"};
    EXPECT_EQ(parse_object_name("", object_name("", dotted)), dotted);
}

TEST(ObjectNameTest, OthersAreNone) {
    const auto replaced = [](std::string what, const std::string& with) {
        std::string text = kObject;
        return text.replace(text.find(what), what.size(), with);
    };
    for (const std::string& other : {replaced("logs/", "other/"), replaced(".skr", ".skr.1"), replaced("/alice/", "/bob/"),
             replaced("2026/11/22", "2026/11/23"), replaced(".5d1f", "5d1f"), replaced("5d1f0c7be2a94633", "5d1f/../x"),
             replaced("5d1f0c7be2a94633", ""), replaced("_alice", "_al ice"), std::string(), std::string("logs/.skr")}) {
        EXPECT_EQ(parse_object_name("logs/", other), std::nullopt) << other;
    }
}

}  // namespace
}  // namespace sekisho::shipping
