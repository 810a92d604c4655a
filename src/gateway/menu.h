// Menu: what `ssh gateway` shows to a person at a terminal: the places that are open to them, searched as they type. Pure: bytes of the
// keyboard in, bytes for the terminal out; plain ANSI sequences that every terminal of the last forty years knows (PuTTY's, too). Owned
// by SessionChannel.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::gateway {

class Menu {
public:
    struct Item {
        std::string login;
        std::string target;
        std::string note;  // labels, for search and display
    };
    enum class Language { English, Japanese };
    enum class State { Open, Chosen, Left };

    /// `more`: there are places that are not among `items`.
    Menu(std::string user, std::vector<Item> items, bool more, Language language);

    void resize(unsigned columns, unsigned rows);
    /// Takes keys until something is decided; returns how many bytes it took.
    std::size_t type(std::string_view keys);
    State state() const { return m_state; }
    /// After State::Chosen.
    const Item& chosen() const { return m_items[m_found[m_cursor]]; }

    /// The whole screen. The first time on a screen of its own, which closing() leaves.
    std::string screen();
    std::string closing() const;

    /// By the client's LC_ALL, LC_MESSAGES or LANG.
    static Language language_of(std::string_view locale);

private:
    bool escape(char key);
    void key(char key);
    void move(std::ptrdiff_t by);
    void search();
    std::size_t page() const;
    std::string line(std::string_view text) const;

    std::string m_user;
    std::vector<Item> m_items;
    bool m_more;
    Language m_language;
    unsigned m_columns = 80;
    unsigned m_rows = 24;
    State m_state = State::Open;
    bool m_shown = false;
    std::string m_text;  // what is searched for
    std::string m_escape;  // of a key that sends several bytes, those that came
    std::vector<std::size_t> m_found;
    std::size_t m_cursor = 0;  // in m_found
    std::size_t m_top = 0;
};

}  // namespace sekisho::gateway
