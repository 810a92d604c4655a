// MailQueue: mails that wait, in a folder: ID.mail waits for the relay, ID.dead was given up and is kept, ID.try beside one says how its
// attempts went. Written with rename, so it survives kill -9. The folder is the whole truth: reader (gateway/mail_reader), sender
// (notify/mail_sender), admin API and `sekisho mail` without a gateway work on it side by side. Blocks; any thread; keeps no state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "notify/mail.h"

namespace sekisho::notify {

/// How it went so far.
struct MailAttempts {
    std::uint64_t count = 0;
    WallTime since{};  // from when its time counts: its making, or when it was to be tried anew
    WallTime last{}, next{};
    std::string error;  // of the last one, one line
};

struct QueuedMail {
    Mail mail;
    MailAttempts attempts;
    bool dead = false;
};

class MailQueue {
public:
    explicit MailQueue(std::string folder) : m_folder(std::move(folder)) {}

    /// What is made for an audit record has its number in front, so that the queue's order is theirs: "000000000123-0-5f3a…".
    static std::string id_for(std::uint64_t sequence, std::size_t recipient);
    /// Of a mail that no record is behind: "test-5f3a…".
    static std::string id_for_test();
    /// The number in front; nothing for another kind of mail.
    static std::optional<std::uint64_t> sequence_of(std::string_view id);
    static bool is_id(std::string_view id);

    /// Durable when it returns.
    Result<void> put(const Mail& mail) const;
    /// Ids of those that wait, or of the dead; the oldest first.
    Result<std::vector<std::string>> ids(bool dead = false) const;
    Result<QueuedMail> read(const std::string& id) const;
    bool tried(const std::string& id) const;
    Result<void> note(const std::string& id, const MailAttempts& attempts) const;

    Result<void> remove(const std::string& id) const;  // waiting or dead
    Result<void> bury(const std::string& id) const;
    /// Due at once, with all its time before it; one that waits or one that is dead. False: there is none.
    Result<bool> retry(const std::string& id) const;

    /// Nanoseconds of when something came or went last, in the coarse steps of a file system's clock.
    std::uint64_t stamp() const;

    static constexpr std::size_t kMostWaiting = 5000;  // then nothing more is put: the audit records wait instead

private:
    std::string path(const std::string& id, std::string_view kind) const;

    std::string m_folder;
};

}  // namespace sekisho::notify
