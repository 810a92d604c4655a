// A folder as the source of users; and what of a configuration makes which source.
#include "identity/users_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace sekisho::identity {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;
namespace fs = std::filesystem;

class FolderSourceTest : public testing::Test {
protected:
    FolderSourceTest() {
        std::string name = (fs::temp_directory_path() / "sekisho-users-XXXXXX").string();
        m_folder = std::string(::mkdtemp(name.data())) + "/public-keys";
        fs::create_directory(m_folder);
        m_source = make_folder_source(m_folder + "/");
    }
    ~FolderSourceTest() override { fs::remove_all(fs::path(m_folder).parent_path()); }

    void write(const std::string& name, const std::string& text) {
        std::ofstream(m_folder + "/" + name, std::ios::binary) << text;
    }
    std::map<std::string, std::string> tags() {
        const auto listed = m_source->list();
        EXPECT_TRUE(listed) << listed.error().full();
        std::map<std::string, std::string> tags;
        for (const auto& object : *listed) tags[object.name] = object.tag;
        return tags;
    }
    Result<std::string> content(const std::string& name) {
        Result<std::string> found = fail("not told");
        EXPECT_TRUE(m_source->read(
            {"public-keys/" + name}, [&](std::size_t, Result<std::string> text) { found = std::move(text); }));
        return found;
    }

    std::string m_folder;
    std::unique_ptr<UsersSource> m_source;
};

TEST_F(FolderSourceTest, ListsFilesByTheFoldersNameAndReadsThem) {
    write("alice.pub", "key of alice");
    write("bob.pub", "");
    write(".alice.pub.swp", "x");
    fs::create_directory(m_folder + "/..data");
    write("..data/carol.pub", "key of carol");
    fs::create_symlink("..data/carol.pub", m_folder + "/carol.pub");
    EXPECT_EQ(m_source->prefix(), "public-keys/");
    const auto listed = m_source->list();
    ASSERT_TRUE(listed) << listed.error().full();
    std::vector<std::string> names;
    for (const auto& object : *listed) names.push_back(object.name);
    EXPECT_THAT(names, UnorderedElementsAre("public-keys/alice.pub", "public-keys/bob.pub", "public-keys/carol.pub"));
    EXPECT_EQ(content("alice.pub").value(), "key of alice");
    EXPECT_EQ(content("carol.pub").value(), "key of carol");
}

TEST_F(FolderSourceTest, ATagChangesWithTheContent) {
    write("alice.pub", "one");
    const auto before = tags();
    EXPECT_EQ(tags(), before);
    // The same length, and a time of change that was set back.
    const auto time = fs::last_write_time(m_folder + "/alice.pub");
    write("alice.pub", "two");
    fs::last_write_time(m_folder + "/alice.pub", time);
    EXPECT_NE(tags(), before);
}

TEST_F(FolderSourceTest, OnlyFilesOfABoundedLengthAreRead) {
    EXPECT_EQ(::mkfifo((m_folder + "/pipe.pub").c_str(), 0600), 0);
    fs::create_directory(m_folder + "/folder.pub");
    fs::create_symlink("nowhere", m_folder + "/lost.pub");
    write("long.pub", std::string(kMostKeysBytes + 1, 'x'));
    write("fits.pub", std::string(kMostKeysBytes, 'x'));
    EXPECT_EQ(tags().size(), 5U);
    for (const char* name : {"pipe.pub", "folder.pub", "lost.pub", "long.pub", "absent.pub"})
        EXPECT_FALSE(content(name)) << name;
    EXPECT_TRUE(content("fits.pub"));
}

TEST_F(FolderSourceTest, AFolderThatIsGoneIsNoEmptyOne) {
    fs::remove_all(m_folder);
    EXPECT_THAT(m_source->list().error().full(), HasSubstr("No such file"));
    std::ofstream(m_folder) << "a file";
    EXPECT_FALSE(m_source->list());
}

TEST(UsersSourceTest, IsMadeAsConfigured) {
    model::Config config;
    const ReadFile none = [](const std::string& path, std::size_t) -> Result<std::string> {
        return fail("cannot read " + path);
    };
    EXPECT_EQ(make_users_source(config, none).value(), nullptr);
    config.users_from.url = "dir:/srv/public-keys";
    EXPECT_EQ(make_users_source(config, none).value()->prefix(), "public-keys/");
    config.users_from.url = "s3://bucket/keys/";
    EXPECT_EQ(make_users_source(config, none).value()->prefix(), "keys/");
    config.users_from.ca_file = "ca.pem";
    EXPECT_THAT(make_users_source(config, none).error().full(), HasSubstr("ca.pem"));
    config.users_from.ca_file = "";
    config.users_from.access_key_file = "key";  // read when it is needed: it may be rotated
    const auto source = make_users_source(config, none);
    ASSERT_TRUE(source) << source.error().full();
    EXPECT_THAT((*source)->list().error().full(), HasSubstr("cannot read /var/lib/sekisho/key"));
    config.users_from.endpoint = "http://10.0.0.1";
    EXPECT_FALSE(make_users_source(config, none));
}

}  // namespace
}  // namespace sekisho::identity
