// The observer of scp's own protocol: a command, and both sides with any bytes, in pieces of any size. What it tells is whole and
// bounded, and however the bytes are cut into pieces, it tells the same.
#include <cstdlib>
#include <string>
#include <vector>

#include "sftp/scp.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace sekisho;

struct Said {
    bool client;
    Bytes bytes;
};

std::vector<sftp::Operation> told(const sftp::ScpCommand& command, const std::vector<Said>& talk, std::size_t piece) {
    sftp::ScpObserver observer(command);
    std::vector<sftp::Operation> all;
    const auto take = [&] {
        for (auto& one : observer.take()) {
            if (one.operation.empty() || one.result.empty()) std::abort();
            if (one.path.size() > sftp::ScpObserver::kMostPath || one.detail.size() > sftp::ScpObserver::kMostText)
                std::abort();
            if (!one.sha256.empty() && (one.sha256.size() != 64 || one.result != sftp::kOk)) std::abort();
            all.push_back(std::move(one));
        }
    };
    for (const Said& said : talk) {
        for (std::size_t at = 0; at < said.bytes.size(); at += piece) {
            const Bytes part = base::to_bytes(BytesView(said.bytes).subspan(at, std::min(piece, said.bytes.size() - at)));
            said.client ? observer.from_client(part) : observer.from_server(part);
            take();
        }
    }
    observer.ended();
    take();
    observer.ended();
    if (observer.has_news()) std::abort();
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const Bytes text = input.piece();
    auto command = sftp::scp_command(base::text_view(text));
    if (!command) command = sftp::scp_command((size & 1) != 0 ? "scp -r -t /x" : "scp -r -f /x/* y");
    std::vector<Said> talk;
    while (!input.empty()) {
        const bool client = (input.byte() & 1) != 0;
        talk.push_back({client, input.piece()});
    }
    const auto whole = told(*command, talk, 1 << 20);
    const auto pieces = told(*command, talk, 3);
    if (whole.size() != pieces.size()) std::abort();
    for (std::size_t i = 0; i < whole.size(); ++i) {
        if (whole[i].path != pieces[i].path || whole[i].sha256 != pieces[i].sha256 || whole[i].result != pieces[i].result)
            std::abort();
    }
    return 0;
}
