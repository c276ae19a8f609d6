package dev.millrace.preflight;

import dev.millrace.preflight.plan.CheckName;
import java.util.Optional;
import java.util.function.Consumer;

/// A misconfiguration that one check must find, and what ends it. Immutable.
///
/// @param object part of the object that the finding names
/// @param plant misconfigures
/// @param byHand does what a remedy for people says; empty if the remedy can be pasted
record PlantedFault(
        CheckName check,
        String object,
        Consumer<RemedyScene> plant,
        Optional<Consumer<RemedyScene>> byHand) {

    /// A fault whose remedy can be pasted.
    static PlantedFault pasted(CheckName check, String object, Consumer<RemedyScene> plant) {
        return new PlantedFault(check, object, plant, Optional.empty());
    }

    /// A fault whose remedy no text performs.
    static PlantedFault byHand(
            CheckName check,
            String object,
            Consumer<RemedyScene> plant,
            Consumer<RemedyScene> action) {
        return new PlantedFault(check, object, plant, Optional.of(action));
    }

    @Override
    public String toString() {
        return check.id();
    }
}
