#include "keyholder/user_ca.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace sekisho::keyholder {
namespace {

constexpr const char* kComment = "sekisho user CA";

std::string next_of(const std::string& path) { return path + ".next"; }
std::string old_of(const std::string& path) { return path + ".old"; }
std::string pub_of(const std::string& path) { return path + ".pub"; }

std::unexpected<Error> cannot(const char* what, const std::string& path) {
    return fail(std::string("the keyholder cannot ") + what + " " + path, std::strerror(errno));
}

bool there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Result<void> remove(const std::string& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return cannot("remove", path);
    return {};
}

Result<void> rename(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return cannot("rename", from);
    return {};
}

/// A second name for the same file. Whatever had that name belongs to nothing that is still used.
Result<void> link(const std::string& from, const std::string& to) {
    if (auto gone = remove(to); !gone) return gone;
    if (::link(from.c_str(), to.c_str()) != 0) return cannot("make", to);
    return {};
}

/// What was made, renamed and removed in the folder of `path` outlasts a power failure.
Result<void> sync_folder(const std::string& path) {
    const std::string folder = std::filesystem::path(path).parent_path();
    const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return cannot("open", folder);
    const bool synced = ::fsync(fd) == 0;
    ::close(fd);
    if (!synced) return cannot("write", folder);
    return {};
}

/// Each in turn until one fails.
template <class... Step>
Result<void> all_of(Step... step) {
    Result<void> done;
    (void)((done = step(), done.has_value()) && ...);
    return done;
}

Result<std::optional<keys::PrivateKey>> load_if_there(const std::string& path) {
    if (!there(path)) return std::nullopt;
    auto key = keys::load_private_key(path);
    if (!key) return fail("CA key: " + key.error().text, key.error().detail);
    return std::optional(std::move(*key));
}

}  // namespace

// --- load ---

UserCa::UserCa(keys::PrivateKey signing)
    : m_keys(std::make_shared<const Keys>(Keys{std::move(signing), std::nullopt, std::nullopt})) {}

Result<UserCa> UserCa::load(const std::string& path) {
    auto signing = keys::load_private_key(path);
    if (!signing) return fail("CA key: " + signing.error().text, signing.error().detail);
    // Publishing writes the private half first: without the public one it was never shown to anybody.
    if (there(next_of(path)) && !there(pub_of(next_of(path)))) {
        if (auto gone = remove(next_of(path)); !gone) return std::unexpected(gone.error());
    }
    auto next = load_if_there(next_of(path));
    if (!next) return std::unexpected(next.error());
    auto old = load_if_there(old_of(path));
    if (!old) return std::unexpected(old.error());
    // Activating gives the signing key its second name first: the step was not taken.
    if (*old && (*old)->public_key() == signing->public_key()) {
        if (auto gone = remove(old_of(path)); !gone) return std::unexpected(gone.error());
        old->reset();
    }
    // And moves the public half last.
    if (!*next && there(pub_of(next_of(path)))) {
        const auto moved = *old ? rename(pub_of(next_of(path)), pub_of(path)) : remove(pub_of(next_of(path)));
        if (!moved) return std::unexpected(moved.error());
    }
    if (!*old) {
        if (auto gone = remove(pub_of(old_of(path))); !gone) return std::unexpected(gone.error());
    }
    UserCa ca(std::move(*signing));
    ca.m_path = path;
    ca.m_keys = std::make_shared<const Keys>(Keys{ca.m_keys->signing, std::move(*next), std::move(*old)});
    return ca;
}

std::vector<std::string> UserCa::files(const std::string& path) { return {path, next_of(path), old_of(path)}; }

bool UserCa::Keys::has(const keys::PublicKey& key) const {
    return signing.public_key() == key || (next && next->public_key() == key) || (old && old->public_key() == key);
}

std::shared_ptr<const UserCa::Keys> UserCa::held() const {
    const std::lock_guard lock(*m_mutex);
    return m_keys;
}

UserCaKeys UserCa::public_keys() const {
    const auto now = held();
    const auto blob = [](const std::optional<keys::PrivateKey>& key) {
        return key ? base::to_bytes(key->public_key().blob()) : Bytes();
    };
    return {base::to_bytes(now->signing.public_key().blob()), blob(now->next), blob(now->old)};
}

// --- steps ---

Result<void> UserCa::take(model::CaStep step) {
    if (m_path.empty()) return fail("the CA's key is in no file");
    const std::lock_guard lock(*m_mutex);
    auto changed = after(step, *m_keys);
    if (!changed) return std::unexpected(changed.error());
    m_keys = std::make_shared<const Keys>(std::move(*changed));
    return {};
}

Result<UserCa::Keys> UserCa::after(model::CaStep step, const Keys& now) const {
    switch (step) {
        case model::CaStep::Publish: return publish(now);
        case model::CaStep::Activate: return activate(now);
        case model::CaStep::Retire: return retire(now);
        case model::CaStep::Drop: return drop(now);
    }
    return fail("there is no such step");
}

Result<UserCa::Keys> UserCa::publish(const Keys& now) const {
    if (now.next) {
        return fail("the next key is published already: `sekisho ca rotate --activate` signs with it, --drop destroys it");
    }
    if (now.old) return fail("the old key is still there: `sekisho ca rotate --finish` destroys it");
    // What a publication that failed half-way left was never shown to anybody.
    const auto free = all_of([&] { return remove(next_of(m_path)); }, [&] { return remove(pub_of(next_of(m_path))); });
    if (!free) return std::unexpected(free.error());
    keys::PrivateKey next = keys::PrivateKey::generate(now.signing.public_key().kind());
    if (auto saved = keys::save_private_key(next_of(m_path), next, kComment); !saved) return std::unexpected(saved.error());
    return Keys{now.signing, std::move(next), std::nullopt};
}

/// The rename in the middle is the step; load() puts right what a crash before or behind it leaves.
Result<UserCa::Keys> UserCa::activate(const Keys& now) const {
    if (!now.next) return fail("no next key is published; `sekisho ca rotate` makes and publishes it");
    const std::string next = next_of(m_path);
    const auto done =
        all_of([&] { return link(m_path, old_of(m_path)); }, [&] { return link(pub_of(m_path), pub_of(old_of(m_path))); },
            [&] { return sync_folder(m_path); }, [&] { return rename(next, m_path); });
    if (!done) return std::unexpected(done.error());
    // It is done from here on, whatever becomes of the public halves: they are looked at where no keyholder runs.
    (void)all_of([&] { return rename(pub_of(next), pub_of(m_path)); }, [&] { return sync_folder(m_path); });
    return Keys{*now.next, std::nullopt, now.signing};
}

Result<UserCa::Keys> UserCa::retire(const Keys& now) const {
    if (!now.old)
        return fail(
            now.next ? "the next key does not sign yet; `sekisho ca rotate --activate` comes first" : "there is no old key");
    const auto done = all_of([&] { return remove(old_of(m_path)); }, [&] { return remove(pub_of(old_of(m_path))); },
        [&] { return sync_folder(m_path); });
    if (!done) return std::unexpected(done.error());
    return Keys{now.signing, std::nullopt, std::nullopt};
}

Result<UserCa::Keys> UserCa::drop(const Keys& now) const {
    if (!now.next) return fail("there is no next key");
    const auto done = all_of([&] { return remove(pub_of(next_of(m_path))); }, [&] { return remove(next_of(m_path)); },
        [&] { return sync_folder(m_path); });
    if (!done) return std::unexpected(done.error());
    return Keys{now.signing, std::nullopt, now.old};
}

}  // namespace sekisho::keyholder
