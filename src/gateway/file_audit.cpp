#include "gateway/file_audit.h"

#include "sftp/observer.h"
#include "sftp/scp.h"

namespace sekisho::gateway {

void FileAudit::passes(bool from_client, BytesView bytes) {
    from_client ? m_plan.observer->from_client(bytes) : m_plan.observer->from_server(bytes);
    if (m_plan.observer->has_news()) tell();
}

void FileAudit::ended() {
    m_plan.observer->ended();
    if (m_plan.observer->has_news()) tell();
}

void FileAudit::tell() {
    const auto done = m_plan.observer->take();
    m_record.file_operations(m_channel, m_plan.via, done);
    if (!m_plan.indexed) return;
    std::vector<model::FileOperation> rows;
    for (const sftp::Operation& one : done) {
        model::FileOperation row;
        row.channel = m_channel;
        row.operation = one.operation;
        row.path = one.path;
        row.other_path = one.other_path;
        row.bytes_read = one.bytes_read;
        row.bytes_written = one.bytes_written;
        row.sha256 = one.sha256;
        row.result = one.result;
        row.via = m_plan.via;
        row.target = m_plan.target;
        rows.push_back(std::move(row));
    }
    m_record.index_files(std::move(rows));
}

FileAudit::Plan file_audit_for(std::string_view type, std::string_view command) {
    if (type == "subsystem") {
        if (command == "sftp") return {std::make_unique<sftp::Observer>(), "sftp", {}};
        return {};
    }
    if (type != "exec") return {};
    // `sftp -s PROGRAM` and sshfs may name the server themselves.
    const std::string_view program = command.substr(0, command.find(' '));
    if (program.substr(program.rfind('/') + 1) == "sftp-server") return {std::make_unique<sftp::Observer>(), "sftp", {}};
    if (auto scp = sftp::scp_command(command)) return {std::make_unique<sftp::ScpObserver>(std::move(*scp)), "scp", {}};
    return {};
}

}  // namespace sekisho::gateway
