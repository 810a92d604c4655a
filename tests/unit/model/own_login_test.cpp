// What {user}, {email_prefix} and the like stand for, and what they never become.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/own_login.h"

namespace sekisho::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

User user(std::string name, std::string email) { return {.name = std::move(name), .email = std::move(email)}; }

TEST(OwnLogin, IsOfTheUser) {
    const User jane = user("jane", "jdoe@example.com");
    EXPECT_EQ(own_login("{user}", jane), "jane");
    EXPECT_EQ(own_login("{email_prefix}", jane), "jdoe");
    EXPECT_EQ(own_login("ubuntu", jane), "ubuntu");
    EXPECT_EQ(own_login("root", jane), "root") << "a login that is named is that login";
    EXPECT_EQ(own_login("{email}", jane), "{email}") << "no word among logins";
}

TEST(OwnLogin, IsNeverRootAndNeverWhatIsNoLogin) {
    for (const char* email : {"", "root@example.com", "root", "@example.com", "a b@example.com", "-x@example.com", "*@example.com",
             "{user}@example.com", "a/b@example.com", "x\ny@example.com"})
        EXPECT_EQ(own_login("{email_prefix}", user("jane", email)), "") << email;
}

TEST(OwnLogin, TheFirstThatThereIsIsTheDefault) {
    const Target target{.name = "web", .logins = {"{email_prefix}", "{user}", "jane", "ubuntu"}};
    EXPECT_THAT(logins_for(target, user("jane", "jdoe@example.com")), ElementsAre("jdoe", "jane", "ubuntu"));
    EXPECT_EQ(default_login(target, user("jane", "")), "jane");
    EXPECT_THAT(logins_for({.name = "web", .logins = {"{email_prefix}"}}, user("jane", "")), IsEmpty());
}

TEST(Principals, AreTheLoginUnlessTheTargetSaysOtherwise) {
    const User jane = user("jane", "jdoe@example.com");
    Target target{.name = "web"};
    EXPECT_THAT(*principals_for(target, jane, "ubuntu"), ElementsAre("ubuntu"));
    target.principals = {"{email_prefix}"};
    EXPECT_THAT(*principals_for(target, jane, "ubuntu"), ElementsAre("jdoe"));
    target.principals = {"{login}", "{user}", "{email}", "ops:web", "jane"};
    EXPECT_THAT(*principals_for(target, jane, "ubuntu"), ElementsAre("ubuntu", "jane", "jdoe@example.com", "ops:web"));
}

TEST(Principals, ThatCannotBeMadeAreSaid) {
    for (const char* word : {"{email_prefix}", "{email}"}) {
        const Target target{.name = "web", .principals = {word}};
        const auto made = principals_for(target, user("jane", ""), "ubuntu");
        ASSERT_FALSE(made) << word;
        EXPECT_THAT(made.error().text, HasSubstr("e-mail"));
    }
    const Target prefix{.name = "web", .principals = {"{email_prefix}"}};
    EXPECT_FALSE(principals_for(prefix, user("jane", "root@example.com"), "ubuntu")) << "root is not named for anybody by a word";
}

TEST(Principals, AreWordsOrPlainNames) {
    for (const char* fine : {"{login}", "{user}", "{email}", "{email_prefix}", "ops", "zone:web/1"}) EXPECT_TRUE(is_principal(fine));
    for (const char* wrong : {"", "*", "a*", "{all}", "a b", "a,b", "a\nb", "\"a\"", "{login}x"}) EXPECT_FALSE(is_principal(wrong));
}

}  // namespace
}  // namespace sekisho::model
