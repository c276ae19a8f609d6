package dev.millrace.change;

/// The number of a watermark: *every transaction committed before it lies before its record, no
/// later one does.* Numbers are the ids of the transactions that carried the watermark's message,
/// given out under a lock on the source, so they grow with the order of commits, also across
/// restarts and between two processes. Compare numbers of one generation only.
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
