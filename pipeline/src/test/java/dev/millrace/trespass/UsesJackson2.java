package dev.millrace.trespass;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;

/// Breaks a wall on purpose: the rule must report it.
final class UsesJackson2 {

    void write(JsonGenerator generator) throws IOException {
        generator.writeNull();
    }
}
