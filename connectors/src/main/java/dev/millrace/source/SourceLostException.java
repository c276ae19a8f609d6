package dev.millrace.source;

/// The source no longer continues where the log ends: the slot is gone, was advanced or belongs to
/// another server, or the stream came back in another order. Nothing can be carried on exactly; the
/// rows have to be backfilled again.
public final class SourceLostException extends RuntimeException {

    public SourceLostException(String message) {
        super(message);
    }
}
