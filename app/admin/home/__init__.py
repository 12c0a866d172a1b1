"""The app home: how the shop is connected, what the program brings, what to do next."""
