// What a power failure leaves of the store in a file: of each file what it had when somebody last waited for the disk. fsync and fdatasync
// are the test's own in this program, also for SQLite; they take a copy and then do what the system's do.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <mutex>

#include "databases.h"

namespace sekisho::store::test {
namespace {

namespace fs = std::filesystem;

struct Disk {
    std::mutex mutex;
    fs::path watched;  // files of this folder; none where it is empty
    fs::path copies;
};

Disk& disk() {
    static Disk one;
    return one;
}

void reaches_disk(int fd) {
    const std::lock_guard lock(disk().mutex);
    if (disk().watched.empty()) return;
    std::error_code failed;
    const fs::path path = fs::read_symlink("/proc/self/fd/" + std::to_string(fd), failed);
    if (failed || path.parent_path() != disk().watched || !fs::is_regular_file(path)) return;
    fs::copy_file(path, disk().copies / path.filename(), fs::copy_options::overwrite_existing);
}

/// A store in a file, and the disk below it.
class PowerFailure : public testing::Test {
protected:
    PowerFailure() {
        const std::lock_guard lock(disk().mutex);
        disk().watched = fs::canonical(m_place.folder());
        disk().copies = m_copies.path();
    }
    ~PowerFailure() override {
        const std::lock_guard lock(disk().mutex);
        disk().watched.clear();
    }

    /// As it would be found after a failure now.
    std::unique_ptr<Store> left() const {
        const Folder after;
        for (const auto& file : fs::directory_iterator(m_copies.path())) {
            // What was deleted is gone: SQLite syncs the folder then.
            if (fs::exists(disk().watched / file.path().filename())) fs::copy(file.path(), after.path());
        }
        auto store = open_store("sqlite:" + after.path() + "/store.db", after.path());
        EXPECT_TRUE(store) << store.error().full();
        return store ? std::move(*store) : nullptr;
    }
    std::size_t records_left() const { return left()->audit_records({})->size(); }

    const Place m_place{"sqlite"};
    const Folder m_copies;
};

TEST_F(PowerFailure, TakesNoChangeOfAccessBackThatWasAnswered) {
    const auto store = m_place.open();
    for (int i = 1; i <= 3; ++i) {
        ASSERT_TRUE(store->replace_access(generation(i), {{.kind = "access.changed"}}));
        expect_same(left()->access().value(), generation(i));
        EXPECT_EQ(records_left(), static_cast<std::size_t>(i));
    }
    ASSERT_TRUE(store->change_users({}, {}, {{.kind = "users.changed"}}));
    EXPECT_EQ(records_left(), 4U);
    ASSERT_TRUE(store->learn_host_key("web1", "ssh-ed25519 AAAA"));
    EXPECT_EQ(left()->learned_host_keys("web1")->size(), 1U);
    // Together with others, too.
    ASSERT_TRUE(store->together([&]() -> Result<void> {
        if (auto kept = store->audit({.kind = "a"}); !kept) return kept;
        return store->learn_host_key("web2", "ssh-ed25519 AAAA");
    }));
    EXPECT_EQ(left()->learned_host_keys("web2")->size(), 1U);
    EXPECT_EQ(records_left(), 5U);
}

TEST_F(PowerFailure, TakesBackWhatWasNotSyncedAndNothingElse) {
    const auto store = m_place.open();
    ASSERT_TRUE(store->replace_access(generation(1), {}));
    EXPECT_FALSE(store->unsynced());
    EXPECT_EQ(store->audit_head()->sequence, 0U);  // in a transaction, which writes nothing
    EXPECT_FALSE(store->unsynced());
    ASSERT_TRUE(store->audit({.kind = "a"}));
    EXPECT_TRUE(store->unsynced());
    EXPECT_EQ(records_left(), 0U);
    ASSERT_TRUE(store->sync());
    EXPECT_FALSE(store->unsynced());
    EXPECT_EQ(records_left(), 1U);
    ASSERT_TRUE(store->audit({.kind = "b"}));
    EXPECT_EQ(records_left(), 1U);
    const auto second = m_place.open();  // whoever wrote it
    ASSERT_TRUE(second->sync());
    EXPECT_EQ(records_left(), 2U);
}

TEST_F(PowerFailure, ADatabaseInMemoryHasNothingToLose) { EXPECT_TRUE((*open_store(":memory:", ""))->sync()); }

}  // namespace
}  // namespace sekisho::store::test

extern "C" int fdatasync(int fd) {
    sekisho::store::test::reaches_disk(fd);
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

extern "C" int fsync(int fd) {
    sekisho::store::test::reaches_disk(fd);
    return static_cast<int>(::syscall(SYS_fsync, fd));
}
