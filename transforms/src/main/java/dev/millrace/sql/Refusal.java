package dev.millrace.sql;

/// Ends the parsing or typing of one part of a SELECT that is not supported. Caught where the next
/// independent part begins; callers of the parser and the compiler never see it.
public final class Refusal extends RuntimeException {

    private static final long serialVersionUID = 1L;

    private final int at;
    private final String remedy;

    public Refusal(int at, String message, String remedy) {
        super(message, null, false, false);
        this.at = at;
        this.remedy = remedy;
    }

    int at() {
        return at;
    }

    public void addTo(ProblemLog problems) {
        problems.add(at, String.valueOf(getMessage()), remedy);
    }
}
