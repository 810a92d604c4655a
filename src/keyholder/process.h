// The gateway's end of the keyholder: starts the spawner, hands over the links of each keyholder that it starts, and tells when one
// ended. Made by app/serve before anything else, while the process has one thread and no key; outlives the gateway.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "keyholder/descriptors.h"
#include "keyholder/signer.h"
#include "keyholder/spawner.h"

namespace sekisho::keyholder {

/// One for each loop: blocking stream sockets.
using Links = std::vector<Descriptor>;

class Process {
public:
    /// Returns when the first keyholder has read its keys; its own Error when it could not.
    static Result<std::unique_ptr<Process>> start(const SpawnerSettings& settings);
    /// Hangs up and waits for the spawner, which ends the keyholder.
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    const PublicParts& public_parts() const { return m_public; }
    /// Of the first keyholder, once.
    Links take_links() { return std::move(m_links); }

    struct News {
        enum class Kind {
            Started,  // another keyholder, with the same host keys
            Ended,  // `text` says how, or why another one is of no use
            Over,  // there will be no more: hung up, or the spawner is gone
        };
        Kind kind = Kind::Over;
        Links links;
        UserCaKeys user_ca;  // of a keyholder that started: a crash may have left a step of it done
        std::string text;
    };
    /// Waits for what happens next. One thread.
    News next();
    /// Any thread: next() returns Over.
    void hang_up();

    /// The text of a file that the spawner lets the gateway read (SpawnerSettings::readable) and opens for it, as it is now. Any thread.
    Result<std::string> read_file(const std::string& path, std::size_t most);

private:
    Process(Descriptor control, Descriptor files, pid_t spawner, std::size_t links);
    Result<Links> receive_links(Message first);

    Descriptor m_control;
    std::mutex m_files_mutex;
    Descriptor m_files;
    pid_t m_spawner;
    std::size_t m_link_count;
    Links m_links;
    PublicParts m_public;
};

}  // namespace sekisho::keyholder
