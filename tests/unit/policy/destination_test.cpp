#include <gtest/gtest.h>

#include "policy/decide.h"

namespace sekisho::policy {
namespace {

class DestinationTest : public testing::Test {
protected:
    DestinationTest() {
        m_access.users = {{.name = "alice"}, {.name = "bob"}, {.name = "web2"}};
        m_access.targets = {{.name = "web1"}, {.name = "web2"}};
        m_access.index();
    }
    std::string read(const char* name, std::vector<std::string> owners = {"alice"}) {
        const auto d = parse_destination(m_access, name, owners);
        return d ? d->user + "|" + d->login + "|" + d->target : "refused";
    }
    model::Access m_access;
};

TEST_F(DestinationTest, TheFormsOfTheSurface) {
    EXPECT_EQ(read("ubuntu@web1"), "|ubuntu|web1");
    EXPECT_EQ(read("alice@ubuntu@web1"), "alice|ubuntu|web1");
    EXPECT_EQ(read("web1"), "||web1");
    EXPECT_EQ(read("alice"), "alice||");
    EXPECT_EQ(read(""), "||");
    EXPECT_EQ(read("ubuntu%web1"), "|ubuntu|web1");
    EXPECT_EQ(read("alice#ubuntu%web1"), "alice|ubuntu|web1");
}

TEST_F(DestinationTest, OneWordIsTheOwnerOfTheKeyElseATarget) {
    EXPECT_EQ(read("web2"), "||web2");
    EXPECT_EQ(read("web2", {"web2"}), "web2||");
    EXPECT_EQ(read("bob"), "bob||");  // states bob; the key is then refused
    EXPECT_EQ(read("nowhere"), "||nowhere");
}

TEST(TargetAt, ByNameOrByTheOnlyAddress) {
    model::Access access;
    access.targets = {{.name = "web1", .address = "10.0.0.5:2022"}, {.name = "web2", .address = "[fd00::1]:22"},
        {.name = "twin1", .address = "10.0.0.6:22"}, {.name = "twin2", .address = "10.0.0.6:22"}};
    access.index();
    const auto at = [&](std::string_view host, std::uint16_t port) {
        const model::Target* found = target_at(access, host, port);
        return found != nullptr ? found->name : "";
    };
    EXPECT_EQ(at("web1", 22), "web1");
    EXPECT_EQ(at("web1", 2022), "web1");
    EXPECT_EQ(at("web1", 80), "");
    EXPECT_EQ(at("10.0.0.5", 2022), "web1");
    EXPECT_EQ(at("10.0.0.5", 22), "");
    EXPECT_EQ(at("fd00::1", 22), "web2");
    EXPECT_EQ(at("10.0.0.6", 22), "");  // which of the two is not known
    EXPECT_EQ(at("web3", 22), "");
}

TEST_F(DestinationTest, WhatIsNotWellFormedIsRefused) {
    for (const char* name : {"@web1", "ubuntu@", "a@b@c@d", "ubuntu@@web1", "ubuntu@WEB1", "-o@web1", "u b@web1",
             "Alice@ubuntu@web1", "Not-A-Target!", "web1\n"}) {
        EXPECT_EQ(read(name), "refused") << name;
    }
    EXPECT_EQ(read(std::string(300, 'a').c_str()), "refused");
}

}  // namespace
}  // namespace sekisho::policy
