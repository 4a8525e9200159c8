"""OPC UA: the line's stations as vision systems (OPC 40100-1) that take job orders (OPC 10031-4)."""
