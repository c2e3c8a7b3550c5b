"""The edge: sockets, signing and protocols. Bytes come in and go out here; what they mean is the core's."""
