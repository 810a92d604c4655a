// FileAudit: what sftp or scp does in one channel, on its way from the observer that reads along to the session's record. Owned by the
// channel's Relay, which shows it what it records, and never lets it change or hold anything. Loop thread only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "gateway/session_record.h"
#include "sftp/operation.h"

namespace sekisho::gateway {

class FileAudit {
public:
    struct Plan {
        std::unique_ptr<sftp::FileObserver> observer;
        std::string via;  // "sftp" or "scp"
        std::string target;  // "login@target"
        bool indexed = false;  // for search, too
    };
    FileAudit(SessionRecord& record, std::uint32_t channel, Plan plan)
        : m_record(record), m_channel(channel), m_plan(std::move(plan)) {}

    void server_is(std::string_view identification) { m_plan.observer->server_is(identification); }
    void passes(bool from_client, BytesView bytes);
    /// The channel is over: before the record hears of that.
    void ended();

private:
    void tell();

    SessionRecord& m_record;
    std::uint32_t m_channel;
    Plan m_plan;
};

/// Who reads along where `type` (exec, subsystem) starts `command`: the name of a subsystem, or what exec runs. None for what moves no
/// files in a way that is known.
FileAudit::Plan file_audit_for(std::string_view type, std::string_view command);

}  // namespace sekisho::gateway
