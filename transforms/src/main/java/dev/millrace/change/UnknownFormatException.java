package dev.millrace.change;

/// A record was written in a format that this version does not read. The message names both.
public final class UnknownFormatException extends IllegalArgumentException {

    private static final long serialVersionUID = 1L;

    public UnknownFormatException(String message) {
        super(message);
    }
}
