"""State in Azure Table Storage and the lanes in Azure Queue Storage."""
