package dev.millrace.spec;

import java.util.function.Supplier;

/// A password. Prints `***`. Only [#reveal()] returns the characters, and only code that opens a
/// connection calls it, for each connection: a secret from a file can change while the process
/// runs. Thread-safe.
public final class Secret {

    /// No password was given: the server needs none, or the driver reads its own password file.
    public static final Secret NONE = new Secret(() -> "");

    private final Supplier<String> characters;

    private Secret(Supplier<String> characters) {
        this.characters = characters;
    }

    public static Secret of(String characters) {
        return new Secret(() -> characters);
    }

    /// A secret that may change.
    ///
    /// @param current returns the characters; thread-safe, throws nothing
    static Secret changing(Supplier<String> current) {
        return new Secret(current);
    }

    public boolean isPresent() {
        return !reveal().isEmpty();
    }

    public String reveal() {
        return characters.get();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Secret that && reveal().equals(that.reveal());
    }

    @Override
    public int hashCode() {
        return Boolean.hashCode(isPresent());
    }

    @Override
    public String toString() {
        return isPresent() ? "***" : "(none)";
    }
}
