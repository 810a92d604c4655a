// The watch over a conversation of sftp: a client of any bytes, a server that answers what reached it in turn (or says any bytes), in
// pieces of any size. Whatever they say, what arrives at the server is whole packets, none of which does what the rule refuses: read here
// a second time, without src/sftp's own reader. An observer reads along what the client says and is told: what it tells is whole and
// bounded.
#include <cstdlib>
#include <deque>
#include <string>

#include "sftp/observer.h"
#include "sftp/watch.h"
#include "tests/fuzz/fuzz_input.h"

namespace {

using namespace sekisho;

std::uint32_t number(std::string_view text, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4 && at + i < text.size(); ++i)
        value = value << 8 | static_cast<unsigned char>(text[at + i]);
    return value;
}
std::string u32(std::size_t value) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
    return out;
}
std::string s(std::string_view text) { return u32(text.size()) + std::string(text); }
std::string packet(int type, std::string_view content) {
    return u32(content.size() + 1) + static_cast<char>(type) + std::string(content);
}
std::string text_at(std::string_view packet, std::size_t at) {
    const std::size_t size = number(packet, at);
    if (at + 4 + size > packet.size()) std::abort();
    return std::string(packet.substr(at + 4, size));
}

struct Server {
    bool read_only, paths;
    sftp::PathPatterns patterns{{"/a/**"}};
    std::string stream;
    std::deque<std::string> asked;  // without their length

    void may(std::string_view path) const {
        if (paths && patterns.reach(path) < sftp::Reach::OnTheWay) std::abort();
    }
    /// Aborts where something arrives that was to be refused.
    void look(const std::string& one) const {
        const int type = static_cast<unsigned char>(one[0]);
        const std::string name = type == 200 ? text_at(one, 5) : "";
        const std::size_t first = type == 200 ? 9 + name.size() : 5;
        const bool changes = type == 6 || type == 9 || type == 10 || (type >= 13 && type <= 15) || type == 18 ||
                             type == 20 || name == "posix-rename@openssh.com" || name == "hardlink@openssh.com" ||
                             name == "lsetstat@openssh.com" || name == "copy-data";
        if (read_only && changes) std::abort();
        if (type == 0 || (type > 20 && type != 200)) std::abort();
        if (type == 3 && read_only && number(one, 9 + number(one, 5)) != 1) std::abort();
        if (type == 3 || type == 7 || type == 9 || type == 11 || (type >= 13 && type <= 15) || type == 17 || type == 19 ||
            name == "statvfs@openssh.com" || name == "lsetstat@openssh.com")
            may(text_at(one, first));
        if (type == 18 || name == "posix-rename@openssh.com" || name == "hardlink@openssh.com") {
            may(text_at(one, first));
            may(text_at(one, first + 4 + number(one, first)));
        }
        if (type == 200 && !sftp::is_known_extension(name)) std::abort();
    }
    void arrive(BytesView bytes) {
        stream += base::text_view(bytes);
        while (stream.size() >= 4 && stream.size() >= 4 + std::size_t{number(stream, 0)}) {
            const std::string one = stream.substr(4, number(stream, 0));
            stream.erase(0, 4 + one.size());
            if (one.size() < 5) std::abort();
            look(one);
            asked.push_back(one);
        }
    }
    /// The answer to the oldest request, of the kind that `how` says.
    std::string answer(std::uint8_t how, std::string_view text) {
        const std::string one = asked.front();
        asked.pop_front();
        const std::string id = one.substr(1, 4);
        if (one[0] == 1) return packet(2, u32(3) + s("copy-data") + s("1") + s(text) + s(""));
        switch (how % 5) {
            case 0: return packet(101, id + u32(how / 5) + s(text) + s(""));
            case 1: return packet(102, id + s(text));
            case 2: return packet(104, id + u32(1) + s(one[0] == 16 ? text_at(one, 5) : std::string(text)) + s("") + u32(0));
            case 3: return packet(104, id + u32(1) + s("/a/" + std::string(text)) + s("") + u32(0));
            default: return packet(103, id + s(text));
        }
    }
};

void look(sftp::Observer& observer) {
    for (const sftp::Operation& one : observer.take()) {
        if (one.operation.empty() || one.result.empty()) std::abort();
        if (one.path.size() > sftp::Observer::kMostPath || one.other_path.size() > sftp::Observer::kMostPath) std::abort();
        if (!one.sha256.empty() && (one.sha256.size() != 64 || one.result != sftp::kOk)) std::abort();
        // A hash is of a whole file, whose bytes are counted.
        const bool of_nothing = one.sha256.starts_with("e3b0c442");
        if (one.operation == "write" && !one.sha256.empty() && one.bytes_written == 0 && !of_nothing) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const std::uint8_t first = input.byte();
    Server server{.read_only = (first & 1) != 0, .paths = (first & 2) != 0, .stream = {}, .asked = {}};
    sftp::Watch watch(
        {"r", server.read_only, server.paths ? std::vector<std::string>{"/a/**"} : std::vector<std::string>{}});
    watch.server_is((first & 4) != 0 ? "SSH-2.0-OpenSSH_9" : "SSH-2.0-x");
    sftp::Observer observer;
    observer.server_is((first & 4) != 0 ? "SSH-2.0-OpenSSH_9" : "SSH-2.0-x");
    std::size_t given = 0;
    while (!input.empty()) {
        const std::uint8_t turn = input.byte();
        sftp::Output out;
        Result<void> done;
        if (turn % 4 == 0 && !server.asked.empty()) {
            const Bytes text = input.piece();
            const std::string answer = server.answer(turn / 4, base::text_view(text));
            const std::size_t split = answer.size() * (turn % 3) / 3;
            done = watch.from_server(base::to_bytes(answer.substr(0, split)), 0, out);
            if (done) done = watch.from_server(base::to_bytes(answer.substr(split)), 0, out);
        } else if (turn % 4 == 1) {
            done = watch.from_server(input.piece(), 0, out);
        } else if (turn % 4 == 2) {
            // A request whose form is right more often than chance has it.
            const Bytes piece = input.piece();
            const std::string_view text = base::text_view(piece);
            const std::string content =
                packet(turn / 4, u32(given % 7) + s(text.substr(0, text.size() / 2)) + s(text.substr(text.size() / 2)) +
                                     u32(turn & 1 ? 1 : 0x1a) + u32(0));
            given += content.size();
            observer.from_client(base::view(content));
            done = watch.from_client(base::to_bytes(content), turn, out);
        } else {
            const Bytes piece = input.piece();
            given += piece.size();
            observer.from_client(piece);
            done = watch.from_client(piece, turn, out);
        }
        server.arrive(out.to_server);
        observer.from_server(out.to_client);
        look(observer);
        if (!done) break;
        if (watch.held() > given) std::abort();
    }
    observer.ended();
    look(observer);
    observer.ended();
    if (observer.has_news()) std::abort();
    return 0;
}
