package dev.millrace.change;

/// The number of a watermark: *every transaction that committed before it precedes its record, and
/// no later one does.* Numbers are the ids of the transactions that carried the watermark's
/// message. They are assigned under a lock on the source, so they increase in commit order, also
/// across restarts and between two processes. Only numbers of one generation can be compared.
/// Immutable.
public record WatermarkNumber(int generation, long number) implements Comparable<WatermarkNumber> {

    /// Before any watermark of the generation.
    public static WatermarkNumber none(int generation) {
        return new WatermarkNumber(generation, 0);
    }

    @Override
    public int compareTo(WatermarkNumber other) {
        int byGeneration = Integer.compare(generation, other.generation);
        return byGeneration != 0 ? byGeneration : Long.compare(number, other.number);
    }

    @Override
    public String toString() {
        return generation + ":" + number;
    }
}
