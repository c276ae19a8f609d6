package dev.millrace.spec;

/// A password. Prints `***`. Only [#reveal()] returns the characters, and only code that opens a
/// connection calls it. Immutable.
public final class Secret {

    /// No password was given: the server needs none, or the driver reads its own password file.
    public static final Secret NONE = new Secret("");

    private final String characters;

    private Secret(String characters) {
        this.characters = characters;
    }

    public static Secret of(String characters) {
        return new Secret(characters);
    }

    public boolean isPresent() {
        return !characters.isEmpty();
    }

    public String reveal() {
        return characters;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Secret that && characters.equals(that.characters);
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
