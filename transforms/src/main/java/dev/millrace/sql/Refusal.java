package dev.millrace.sql;

/// Ends the reading or the typing of what is at hand, because something in it can't be taken.
/// Caught where the next independent part begins; never leaves this room.
public final class Refusal extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int at;
    private final String instead;

    public Refusal(int at, String message, String instead) {
        super(message, null, false, false);
        this.at = at;
        this.instead = instead;
    }

    int at() {
        return at;
    }

    public void addTo(ProblemLog problems) {
        problems.add(at, String.valueOf(getMessage()), instead);
    }
}
